/** @file boat.h
 *  Boats in C. */
#ifndef BOAT_H
#include <stdio.h>
/** Most boats \c MAX. */
#define BOAT_MAX(a, b) \
   ((a) > (b))
/**
 * \brief Open a boat.
 * \param[in] name the name
 * @param[out] out where it goes
 * @return 0 or -1
 * \code{.c}
 * boat_open("x", &b);
 * \endcode
 */
BOAT_API int boat_open(const char *name, struct boat **out) __attribute__((nonnull(1)));
/// A boat.
/// Second line.
struct boat {
  int n; ///< the n
};
/*! Callback. */
typedef int (*boat_cb)(void *);
static int helper(int a) { return a; }
int undocumented(int a) { if (a) { return '}'; } return 0; }
