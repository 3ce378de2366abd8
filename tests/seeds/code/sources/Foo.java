/* Copyright */
package org.foo;
import java.util.*;
/**
 * A foo. Use {@link Bar#baz(int) the baz} or {@code x < y}.
 * <p>Second <b>para</b>:
 * <pre>{@code
 *   Foo f = new Foo();
 * }</pre>
 * <ul><li>one</li><li>two &amp; three</li></ul>
 * @author me
 * @since 1.2
 */
@Deprecated @SuppressWarnings({"a", "b"})
public final class Foo<T extends Comparable<T>> implements Runnable {
  /** The most. */
  public static final int MAX = compute(1, 2);
  /** Makes.
   * @param name the name
   * @param <T> type
   */
  public Foo(String name) { this.name = name; if (x) { y(); } }
  /**
   * Does.
   * @return what, see
   *   next line
   * @throws IOException when broken
   */
  @Override(value = "x(y)") protected <R> Map<String, List<R>> doIt(final int[] a, String... b) throws IOException { return null; }
  private void no() {}
  /** Inner one. */
  public enum Kind { /** first */ A, B; }
  public int plain(int a) { return a; }
  abstract void declared();
}
