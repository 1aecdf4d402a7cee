;; The exchange memory that guest and host share, and the only code that decides about it.
;;
;; $m holds the blocks. Guests never import it: they hold handles (offsets of blocks) and load and store
;; through the functions below, each checked against `top`.
;; $h is the host's: a header of 64-bit words and the table of blocks. Nothing a guest can call writes a
;; value of its choosing there, so a handle or a length cannot be forged; the host reads and writes it
;; through a view, which makes a call one C call.
;;
;; Header, byte offsets: 0 input offset, 8 input length, 16 output offset, 24 output length, 32 error handle,
;; 40 top, 48 generation, 56 dirty (bytes from there on are still zero), 64 committed, 72 maximum.
;; Table, from 1024: one 64-bit entry for each 16 bytes of $m: generation << 32 | flags | length.
;; Flags: 2^31 freed by the guest, may be used again; 2^30 freed by the host, never used again in this call,
;; because several kits free a key once more after the host has consumed it.
;; A new call is a new generation, so that old entries need not be erased.
(module $omnicore_kernel
 (memory $m (export "memory") 17)
 (memory $h (export "header") 9)

 (func $entry (param $p i64) (result i32)
  (i32.add (i32.const 1024) (i32.wrap_i64 (i64.shr_u (local.get $p) (i64.const 1)))))

 (func $rounded (param $n i64) (result i64)
  (i64.and (i64.add (local.get $n) (i64.const 15)) (i64.const -16)))

 ;; Flags and length of the block that starts at $p, 0 when none does.
 (func $block (param $p i64) (result i64) (local $e i64)
  (if (i64.ge_u (local.get $p) (i64.load $h (i32.const 40))) (then (return (i64.const 0))))
  (if (i32.wrap_i64 (i64.and (local.get $p) (i64.const 15))) (then (return (i64.const 0))))
  (local.set $e (i64.load $h (call $entry (local.get $p))))
  (if (i64.ne (i64.shr_u (local.get $e) (i64.const 32)) (i64.load $h (i32.const 48))) (then (return (i64.const 0))))
  (i64.and (local.get $e) (i64.const 0xffffffff)))

 (func $mark (param $p i64) (param $value i64)
  (i64.store $h (call $entry (local.get $p))
   (i64.or (i64.shl (i64.load $h (i32.const 48)) (i64.const 32)) (local.get $value))))

 ;; Zeroes what earlier use may have left in a block about to be handed out.
 (func $clean (param $p i64) (param $size i64) (local $dirty i64)
  (local.set $dirty (i64.load $h (i32.const 56)))
  (if (i64.lt_u (local.get $p) (local.get $dirty)) (then
   (local.set $dirty (i64.sub (local.get $dirty) (local.get $p)))
   (if (i64.lt_u (local.get $size) (local.get $dirty)) (then (local.set $dirty (local.get $size))))
   (memory.fill $m (i32.wrap_i64 (local.get $p)) (i32.const 0) (i32.wrap_i64 (local.get $dirty))))))

 ;; Commits both memories up to $end; 0 when that is not to be had. For the host too.
 (func $commit (export "host:commit") (param $end i64) (result i32) (local $pages i32)
  (if (i64.gt_u (local.get $end) (i64.load $h (i32.const 72))) (then (return (i32.const 0))))
  (local.set $pages (i32.sub
   (i32.wrap_i64 (i64.shr_u (i64.add (local.get $end) (i64.const 65535)) (i64.const 16))) (memory.size $m)))
  (if (i32.gt_s (local.get $pages) (i32.const 0)) (then
   (if (i32.eq (memory.grow $m (local.get $pages)) (i32.const -1)) (then (return (i32.const 0))))))
  (local.set $pages (i32.sub
   (i32.wrap_i64 (i64.shr_u (i64.add (i64.shr_u (i64.shl (i64.extend_i32_u (memory.size $m)) (i64.const 16)) (i64.const 1))
    (i64.const 66559)) (i64.const 16))) (memory.size $h)))
  (if (i32.gt_s (local.get $pages) (i32.const 0)) (then
   (if (i32.eq (memory.grow $h (local.get $pages)) (i32.const -1)) (then (return (i32.const 0))))))
  (i64.store $h (i32.const 64) (i64.shl (i64.extend_i32_u (memory.size $m)) (i64.const 16)))
  (i32.const 1))

 (func $alloc (export "alloc") (param $n i64) (result i64) (local $p i64) (local $size i64) (local $end i64)
  (if (i32.or (i64.eqz (local.get $n)) (i64.gt_u (local.get $n) (i64.const 0x3fffffff))) (then (return (i64.const 0))))
  (local.set $size (call $rounded (local.get $n)))
  (local.set $p (i64.load $h (i32.const 40)))
  (local.set $end (i64.add (local.get $p) (local.get $size)))
  (if (i64.gt_u (local.get $end) (i64.load $h (i32.const 64))) (then
   (if (i32.eqz (call $commit (local.get $end))) (then (return (call $reuse (local.get $n) (local.get $size)))))))
  (call $clean (local.get $p) (local.get $size))
  (call $mark (local.get $p) (local.get $n))
  (i64.store $h (i32.const 40) (local.get $end))
  (if (i64.gt_u (local.get $end) (i64.load $h (i32.const 56))) (then (i64.store $h (i32.const 56) (local.get $end))))
  (local.get $p))

 (func $inside (param $x i64) (param $p i64) (param $size i64) (result i32)
  (i32.and (i64.ge_u (local.get $x) (local.get $p)) (i64.lt_u (i64.sub (local.get $x) (local.get $p)) (local.get $size))))

 ;; The first block the guest freed that is large enough; a walk, and only when nothing is left above `top`.
 (func $reuse (param $n i64) (param $need i64) (result i64) (local $p i64) (local $e i64) (local $size i64)
  (local.set $p (i64.const 16))
  (block $none (loop $next
   (local.set $e (call $block (local.get $p)))
   (br_if $none (i64.eqz (local.get $e)))
   (local.set $size (call $rounded (i64.and (local.get $e) (i64.const 0x3fffffff))))
   (if (i32.and (i64.ne (i64.and (local.get $e) (i64.const 0x80000000)) (i64.const 0)) (i64.ge_u (local.get $size) (local.get $need))) (then
    (if (i32.eqz (i32.or (call $inside (i64.load $h (i32.const 16)) (local.get $p) (local.get $size))
                         (call $inside (i64.load $h (i32.const 32)) (local.get $p) (local.get $size)))) (then
     (memory.fill $m (i32.wrap_i64 (local.get $p)) (i32.const 0) (i32.wrap_i64 (local.get $need)))
     (call $mark (local.get $p) (local.get $n))
     (if (i64.gt_u (local.get $size) (local.get $need)) (then
      (call $mark (i64.add (local.get $p) (local.get $need))
       (i64.or (i64.const 0x80000000) (i64.sub (local.get $size) (local.get $need))))))
     (return (local.get $p))))))
   (local.set $p (i64.add (local.get $p) (local.get $size)))
   (br $next)))
  (i64.const 0))

 (func $length (export "length") (export "length_unsafe") (param $p i64) (result i64) (local $e i64)
  (local.set $e (call $block (local.get $p)))
  (if (i64.gt_u (local.get $e) (i64.const 0x3fffffff)) (then (return (i64.const 0))))
  (local.get $e))

 (func (export "free") (param $p i64) (local $n i64)
  (local.set $n (call $length (local.get $p)))
  (if (i64.eqz (local.get $n)) (then (return)))
  (if (i64.eq (local.get $p) (i64.load $h (i32.const 0))) (then (i64.store $h (i32.const 8) (i64.const 0))))
  ;; The last block gives its space back, unless output or error still lie in it.
  (if (i32.and
       (i64.eq (i64.add (local.get $p) (call $rounded (local.get $n))) (i64.load $h (i32.const 40)))
       (i32.and (i64.lt_u (i64.load $h (i32.const 16)) (local.get $p)) (i64.lt_u (i64.load $h (i32.const 32)) (local.get $p))))
   (then
    (i64.store $h (call $entry (local.get $p)) (i64.const 0))
    (i64.store $h (i32.const 40) (local.get $p)))
   (else (call $mark (local.get $p) (i64.or (i64.const 0x80000000) (local.get $n))))))

 (func (export "reset")
  (i64.store $h (i32.const 0) (i64.const 0)) (i64.store $h (i32.const 8) (i64.const 0))
  (i64.store $h (i32.const 16) (i64.const 0)) (i64.store $h (i32.const 24) (i64.const 0))
  (i64.store $h (i32.const 32) (i64.const 0)) (i64.store $h (i32.const 40) (i64.const 16))
  (i64.store $h (i32.const 48) (i64.add (i64.load $h (i32.const 48)) (i64.const 1)))
  ;; A generation that came round again would bring dead handles back to life.
  (if (i64.ge_u (i64.load $h (i32.const 48)) (i64.const 0x7fffffff)) (then (unreachable))))

 (func $range (param $p i64) (param $n i64) (result i32)
  (i32.and
   (i32.and (i64.ge_u (local.get $p) (i64.const 16)) (i64.le_u (local.get $p) (i64.load $h (i32.const 40))))
   (i64.le_u (local.get $n) (i64.sub (i64.load $h (i32.const 40)) (local.get $p)))))

 (func (export "input_set") (param $p i64) (param $n i64)
  (if (call $range (local.get $p) (local.get $n)) (then
   (i64.store $h (i32.const 0) (local.get $p)) (i64.store $h (i32.const 8) (local.get $n)))))
 (func (export "output_set") (param $p i64) (param $n i64)
  (if (call $range (local.get $p) (local.get $n)) (then
   (i64.store $h (i32.const 16) (local.get $p)) (i64.store $h (i32.const 24) (local.get $n)))))
 (func (export "error_set") (param $p i64)
  (if (i32.or (i64.eqz (local.get $p)) (call $range (local.get $p) (i64.const 0))) (then
   (i64.store $h (i32.const 32) (local.get $p)))))

 (func (export "input_offset") (result i64) (i64.load $h (i32.const 0)))
 (func (export "input_length") (result i64) (i64.load $h (i32.const 8)))
 (func (export "output_offset") (result i64) (i64.load $h (i32.const 16)))
 (func (export "output_length") (result i64) (i64.load $h (i32.const 24)))
 (func (export "error_get") (result i64) (i64.load $h (i32.const 32)))
 (func (export "memory_bytes") (result i64) (i64.shl (i64.extend_i32_u (memory.size $m)) (i64.const 16)))

 (func (export "input_load_u8") (param $o i64) (result i32)
  (if (result i32) (i64.lt_u (local.get $o) (i64.load $h (i32.const 8)))
   (then (i32.load8_u $m (i32.wrap_i64 (i64.add (i64.load $h (i32.const 0)) (local.get $o)))))
   (else (i32.const 0))))
 (func (export "input_load_u64") (param $o i64) (result i64) (local $n i64)
  (local.set $n (i64.load $h (i32.const 8)))
  (if (result i64) (i32.and (i64.lt_u (local.get $o) (local.get $n)) (i64.ge_u (i64.sub (local.get $n) (local.get $o)) (i64.const 8)))
   (then (i64.load $m align=1 (i32.wrap_i64 (i64.add (i64.load $h (i32.const 0)) (local.get $o)))))
   (else (i64.const 0))))

 (func (export "load_u8") (param $p i64) (result i32)
  (if (result i32) (call $range (local.get $p) (i64.const 1))
   (then (i32.load8_u $m (i32.wrap_i64 (local.get $p)))) (else (i32.const 0))))
 (func (export "load_u64") (param $p i64) (result i64)
  (if (result i64) (call $range (local.get $p) (i64.const 8))
   (then (i64.load $m align=1 (i32.wrap_i64 (local.get $p)))) (else (i64.const 0))))
 (func (export "store_u8") (param $p i64) (param $v i32)
  (if (call $range (local.get $p) (i64.const 1)) (then
   (i32.store8 $m (i32.wrap_i64 (local.get $p)) (local.get $v)))))
 (func (export "store_u64") (param $p i64) (param $v i64)
  (if (call $range (local.get $p) (i64.const 8)) (then
   (i64.store $m align=1 (i32.wrap_i64 (local.get $p)) (local.get $v)))))
)
