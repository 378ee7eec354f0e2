#!/bin/sh
# go_matrix.sh INCLUDE LIBRARY... - builds go_matrix.c with every set of flags below, by every compiler that
# is there, and runs it. go() is half a macro: what the optimizer makes of it must not matter.
set -u
include=$1
shift
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

try() {
  label="$*"
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

libraries="$*"
for cc in ${GO_MATRIX_C:-gcc clang-19}; do
  command -v "$cc" > /dev/null || continue
  try "$cc" -O0 -std=gnu99
  try "$cc" -O0 -std=c11 -fsanitize=undefined -fno-sanitize-recover=all
  try "$cc" -O1 -std=c99 -pedantic
  try "$cc" -Os -std=c11 -fPIE
  try "$cc" -O2 -std=gnu17
  try "$cc" -O2 -std=gnu17 -flto
  try "$cc" -O2 -std=gnu2x -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fcf-protection
  try "$cc" -O2 -std=gnu17 -fstack-protector-all -fstack-clash-protection -fPIC
  try "$cc" -O3 -std=gnu17 -fomit-frame-pointer -funroll-loops
  try "$cc" -O3 -std=gnu17 -fomit-frame-pointer -flto -fcf-protection -fstack-protector-strong
done
for cxx in ${GO_MATRIX_CXX:-g++ clang++-19}; do
  command -v "$cxx" > /dev/null || continue
  try "$cxx" -x c++ -O0 -std=c++11
  try "$cxx" -x c++ -O2 -std=c++23 -fstack-protector-strong -fcf-protection
done
exit $failed
