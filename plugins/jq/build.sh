#!/bin/sh
# Builds dist/jq.wasm. Needs `pip install ziglang==0.17.0`, and pip to fetch the sources: the source distribution of the
# Python package `jq` carries those of jq itself and of Oniguruma; sources.txt fixes which.
# tools: zig
set -eu
cd "$(dirname "$0")"
mkdir -p dist build
${PYTHON:-python3} -m pip download --quiet --no-deps --no-binary jq --require-hashes -r sources.txt -d build
tar xzf build/jq-1.13.0.tar.gz -C build
tar xzf build/jq-1.13.0/deps/jq-1.8.2.tar.gz -C build
cp onig/config.h build/jq-1.8.2/vendor/oniguruma/src/config.h
src=build/jq-1.8.2/src onig=build/jq-1.8.2/vendor/oniguruma/src number=build/jq-1.8.2/vendor/decNumber

# jq's library of filters as numbers of bytes, to be included in C.
od -v -A n -t u1 "$src/builtin.jq" | sed 's/[0-9][0-9]*/&,/g' > "$src/builtin.inc"

# What jq's configure would have found out: `HAVE_SIN` and its like for every function of libm.h that musl has.
have() { for name in "$@"; do printf -- '-DHAVE_%s ' "$name"; done; }
math=$(sed -n 's/^LIBM_D[A-Z]*(\([a-z0-9_]*\).*/\1/p' "$src/libm.h" |
    grep -vE '^(drem|exp10|gamma|pow10|scalb|significand)$' | sort -u | tr 'a-z' 'A-Z')

python-zig cc -target wasm32-wasi -mexec-model=reactor -Os -s -w \
    -D_GNU_SOURCE -DIEEE_8087 -DUSE_DECNUM -DDECUSE64 $(have $math) \
    $(have ALLOCA ALLOCA_H ATEXIT FREXP GETENTROPY GETTIMEOFDAY GMTIME GMTIME_R LDEXP LGAMMA_R LIBONIG LOCALTIME_R \
        MEMMEM MODF PTHREAD PTHREAD_KEY_CREATE PTHREAD_ONCE SCALBLN SETLOCALE STRFTIME STRPTIME TIMEGM TM_TM_GMT_OFF) \
    -D_WASI_EMULATED_GETPID -D_WASI_EMULATED_PROCESS_CLOCKS -D_WASI_EMULATED_SIGNAL \
    -I build/jq-1.8.2 -I "$src" -I build/jq-1.8.2/vendor -I "$number" -I "$onig" \
    "$src"/bytecode.c "$src"/builtin.c "$src"/compile.c "$src"/execute.c "$src"/jv.c "$src"/jv_alloc.c "$src"/jv_aux.c \
    "$src"/jv_dtoa.c "$src"/jv_dtoa_tsd.c "$src"/jv_file.c "$src"/jv_parse.c "$src"/jv_print.c "$src"/jv_unicode.c \
    "$src"/lexer.c "$src"/linker.c "$src"/locfile.c "$src"/parser.c "$src"/util.c \
    "$number"/decContext.c "$number"/decNumber.c \
    "$onig"/regparse.c "$onig"/regcomp.c "$onig"/regexec.c "$onig"/regenc.c "$onig"/regerror.c "$onig"/regext.c \
    "$onig"/regsyntax.c "$onig"/regtrav.c "$onig"/regversion.c "$onig"/st.c "$onig"/unicode.c \
    "$onig"/unicode_unfold_key.c "$onig"/unicode_fold1_key.c "$onig"/unicode_fold2_key.c "$onig"/unicode_fold3_key.c \
    "$onig"/ascii.c "$onig"/utf8.c "$onig"/onig_init.c jq.c wasi.c \
    -Wl,-z,stack-size=1048576 -Wl,--strip-all \
    -lwasi-emulated-getpid -lwasi-emulated-process-clocks -lwasi-emulated-signal -o dist/jq.wasm
libc=$(python-zig env | sed -n 's/.*lib_dir = "\(.*\)".*/\1/p')/libc
cat build/jq-1.8.2/COPYING build/jq-1.8.2/vendor/oniguruma/COPYING "$libc/musl/COPYRIGHT" "$libc/wasi/LICENSE-MIT" \
    "$libc/wasi/libc-bottom-half/cloudlibc/LICENSE" > dist/LICENSES.txt
rm -rf build
python3 ../embed.py plugin.toml dist/jq.wasm
