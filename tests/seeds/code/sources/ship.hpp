// c++
namespace sea { namespace deep {
/** A ship. */
template <typename T, int N = 3>
class SEA_API Ship final : public Base<T> {
public:
  /** Make. @param n the number */
  explicit Ship(int n = 3) : n_{n}, m_(n) { f([&]() { return 1; }); }
  /// Sail.
  virtual bool sail(const std::map<int, T>& where) const noexcept override;
  /** Adds. */
  Ship& operator+=(const Ship& other);
private:
  int n_;
};
/** Out of line. */
template <typename T> bool Ship<T>::out(int x) { return R"(})" == 1; }
} }
