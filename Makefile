# Two commands matter: `make test` proves everything, `make demo` shows something. Both do all set-up
# on a fresh Debian 12. The rest are shortcuts; everyday work is `cmake --preset release` and ninja.

PREFIX ?= /usr/local

.PHONY: test demo bench lint fuzz man install clean

test: ; @scripts/ci/test
demo: ; @scripts/demo
bench: ; @scripts/setup && scripts/ci/build release && scripts/bench
lint: ; @scripts/lint
fuzz: ; @scripts/setup && scripts/ci/build asan && scripts/ci/fuzz
man: ; @scripts/setup man && scripts/man-html
install: ; @scripts/setup build && scripts/ci/build package && cmake --install build/package --prefix "$(PREFIX)"
clean: ; rm -rf build
