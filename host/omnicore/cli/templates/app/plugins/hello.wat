;; greet: "World" -> "Hello, World!"
;; Input and output live in memory that belongs to the host; a plugin reaches them through these functions.
(module
  (import "extism:host/env" "input_length"  (func $input_length (result i64)))
  (import "extism:host/env" "input_load_u8" (func $input_byte (param i64) (result i32)))
  (import "extism:host/env" "alloc"         (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8"      (func $store (param i64 i32)))
  (import "extism:host/env" "output_set"    (func $output_set (param i64 i64)))

  (memory 1)
  (data (i32.const 0) "Hello, ")

  (func (export "greet") (result i32)
    (local $out i64) (local $length i64) (local $i i64)
    (local.set $length (i64.add (call $input_length) (i64.const 8)))   ;; "Hello, " and "!"
    (local.set $out (call $alloc (local.get $length)))

    (loop $prefix
      (call $store (i64.add (local.get $out) (local.get $i)) (i32.load8_u (i32.wrap_i64 (local.get $i))))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br_if $prefix (i64.lt_u (local.get $i) (i64.const 7))))

    (block $done
      (loop $name
        (br_if $done (i64.ge_u (local.get $i) (i64.sub (local.get $length) (i64.const 1))))
        (call $store (i64.add (local.get $out) (local.get $i))
                     (call $input_byte (i64.sub (local.get $i) (i64.const 7))))
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br $name)))

    (call $store (i64.add (local.get $out) (local.get $i)) (i32.const 33))
    (call $output_set (local.get $out) (local.get $length))
    (i32.const 0)))                                                    ;; 0: it went well
