#!/bin/sh
# go_matrix.sh INCLUDE LIBRARY... - builds go_matrix.c with many sets of flags, by every compiler that is
# there, and runs it. go() is half a macro: what the optimizer makes of it must not matter.
#
# With registers of 512 bits go() has more to tell the compiler about. Not every processor has them, so such
# programs are built and not run.
#
# The sets cover every pair of a standard, a level and a protection (in C++ every standard at two levels);
# what is special comes on top.
set -u
include=$1
shift
libraries="$*"
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
tried=0

try() {
  label="$*"
  tried=$((tried + 1))
  if ! "$@" -D_GNU_SOURCE -Wall -Wextra -Werror -I"$include" "$here/go_matrix.c" -x none $libraries \
      -o "$work/program" 2> "$work/log"; then
    echo "does not build: $label"
    cat "$work/log"
    failed=1
  elif ! "$work/program" 2> "$work/log"; then
    echo "fails: $label"
    cat "$work/log"
    failed=1
  fi
}

wide() {
  [ "$(uname -m)" = x86_64 ] || return 0
  tried=$((tried + 1))
  if ! "$@" -mavx512f -D_GNU_SOURCE -Wall -Wextra -Werror -I"$include" -c "$here/go_matrix.c" \
      -o "$work/object" 2> "$work/log"; then
    echo "does not build: $* -mavx512f"
    cat "$work/log"
    failed=1
  fi
}

# protected LEVEL NUMBER: the flags of a protection, as far as that level has it.
protected() {
  case $(($2 % 4)) in
    0) echo "" ;;
    1) echo "-flto" ;;
    2) echo "-fstack-protector-strong$([ "$1" = -O0 ] || echo ' -D_FORTIFY_SOURCE=2')" ;;
    3) echo "-fcf-protection" ;;
  esac
}

for cc in ${GO_MATRIX_C:-gcc clang-19}; do
  command -v "$cc" > /dev/null || continue
  standard_number=0
  for standard in c99 c11 c17 c2x gnu99 gnu11 gnu17 gnu2x; do
    number=$standard_number
    for level in -O0 -O1 -O2 -O3; do
      try "$cc" -std=$standard $level $(protected $level $number)
      number=$((number + 1))
    done
    standard_number=$((standard_number + 1))
  done
  try "$cc" -O0 -std=c11 -fsanitize=undefined -fno-sanitize-recover=all
  try "$cc" -O1 -std=c99 -pedantic
  try "$cc" -Os -std=c11 -fPIE
  try "$cc" -Og -std=gnu17 -g
  try "$cc" -O2 -std=gnu17 -fstack-protector-all -fstack-clash-protection -fPIC
  try "$cc" -O3 -std=gnu17 -fomit-frame-pointer -funroll-loops
  wide "$cc" -O2 -std=c11
  try "$cc" -O3 -std=gnu17 -fomit-frame-pointer -flto -fcf-protection -fstack-protector-strong -D_FORTIFY_SOURCE=2
done

for cxx in ${GO_MATRIX_CXX:-g++ clang++-19}; do
  command -v "$cxx" > /dev/null || continue
  number=0
  for standard in c++11 c++14 c++17 c++20 c++23; do
    try "$cxx" -x c++ -std=$standard -O0 $(protected -O0 $number)
    try "$cxx" -x c++ -std=$standard -O$((number % 3 + 1)) $(protected -O1 $((number + 1)))
    number=$((number + 1))
  done
done
echo "$tried builds tried"
exit $failed
