"""A trap names the file and line of the source, where the module has DWARF; sections that lie cost nothing."""

from __future__ import annotations

import zlib
from base64 import b85decode
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.errors import GuestTrapped
from omnicore.sandbox.abi import Doors, Limits
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.sandbox.inspect import inspect
from omnicore.sandbox.lines import SourceLines

# crash.c, by `python-zig cc -target wasm32-freestanding -g -gdwarf-4 -O1 -fno-sanitize=all -nostdlib -Wl,--no-entry`,
# and the same with -gdwarf-5:
#
# static int depth(int n) {
#     if (n == 0)
#         __builtin_trap();
#     return depth(n - 1) + 1;
# }
#
# static int other(int n)
# {
#     return n * 2;
# }
#
# __attribute__((export_name("crash"))) int crash(void) {
#     volatile int n = 2;
#     return other(depth(n));
# }
#
# __attribute__((export_name("fine"))) int fine(void) {
#     return 0;
# }
_DWARF_4 = (
    "c-nPSOK;Oa5T3EUdDy9wCWt1`(m<g_vg|5V3kcLg;DCAu0jJ={#<gm%EqmS4Q+wjhiDM<ioeMvJKhzUPF6_DqMMA9X@$Sqw-#m5<Zjm4WAi?"
    "*5r>d#|XaqAvBq~Cu*2GgBpPl^xqdrh;2~E=cL;>RGZgC)>(}+<(eN9<LJY72z3&x$pJ1|xrD6JvfS6a6L3=PI$z&BiQ0_v6F#Pz(K9^oS1G"
    "kZieJ4-jsMSQ&kpg5?SkBukB#$dlUGyqfrmx}$Kh;~;T_6$Sli6gwbwP*d$&j(i?PX_?CZBY7GKJ^tG^(6GI@y>W7JR3yVN5ax{;6D`l4oFv"
    "k?`X_2j@UH)Dm0o@gN7SIuD~k%yA)Hl6ZfQ4TYvVTHH07<5e<fAdA<NRzb5T1X|E}tS`~WXi;(s88A_tj>^3U&Ru!PRI?JPeq00054T)KlBz"
    "hGI*5`fBT^7<pa@-QH^jrHo)tCAVSMYq3C)s9j3=!kNAfOpPfXhp+uDIGdKKQYq93IiUh*CD(+HywDBY<GurdVKKRq3r(mE$jSL4K+clh2%|"
    "T11hlsRoj+{*&};yQHa>Tqp&eD3U?#AR+p$f>QNRV{SsBWmF{F&as?bb3Tk%&0@Wa(4L5bT>o&ArJ@>|!%j2H)1dT4)=EPbP`V*S^~GoeEn)"
    "F#QP9BlPLNdP)n;XV#5Q;Hkn+ity1dM3QMcM&86Vo0zk!`*+`8_&acoB{h;r(4I~A>oQx;k#{lF;;1h1d6f?Il0#ymQ5<C0qKq~xv_Q#*`P&"
    "y5SK$5O^~H_IXx+S827ysbtNh0GQ-zX9Y)up$"
)
_DWARF_5 = (
    "c-n1KO>fgc5S_8J&WF={BGS;bO=+VdMRt{nQbbi~1QO~U1e}6nZ(OU6ZQ1LVa%sf@#E~O#=s)0uIMaW^51<z~a$$Fq(jKs6dv|8u+c$4_!Ai"
    "ym07&p9;IXPI02zW2A`%s$qUG@z`zI&gLC-c-ZA`~ue53%eV=LL?r6Vt(fQ4nHg?PMt!XM~Y_HRO8xuX=@a7!sJ0q7a%gAQMD#&qZ~bqCgP7"
    "}Eo+Vy9ClYA0?~8grd0K3z^4tO1~ysCMq@Tl#8qx87dj`cwjw$Znl4y22;-bzKJ_CRXQa+Rp6j<|X1m6F|ES%Iqa1JCD7(sC=%!(4TQ&j_`b"
    "sXYwZepP{e;0txUD^{H$x7=`b7gaBql24NmB2a`vUUok6+nF@Fpq;UC%Oon6#w8ZEf;8cU62y4oRB7vEAe3)GojFP2P%gLfONtsu~V%c+5Oi"
    "r^<6~KZdh1K#@S{%5(m$0NR<z+zZseq}_QU!jiHZ4q8JP1dlgtBBs)^Za5E>62BUFqQ(e{YE3<H99)jg6x<=McPrK>!Yo*d9y{gFFgyXxd=="
    "R^YY|Xq<Rq&|Y6RdnQ-hzHriVoVYTTDq3z`NO<$lY@gG`(~?bL4dS2DjQGj(Dg%pR2r4crWwJ2YiRveOa<=p9%g^?sg>OI3KJ(s*B9>5fB(="
    "hCGOKNqyqYo|M3h;vuv$Sv3fl_uAhgR@G+b@^qC42k1lE{BQJ0Yo^H5x)(#5?%c`dRvgz|vHEqi|uh1@XS&qh9qLnpPlF-lH&lv*xD^<l3EM"
    "V_%~l2FGO9wCtqYE$RlVwqX7OW9yVEtbYK$#%=b)ZaHIH_`|r*1c|9zHfMe<HgiwM#$aw!@%v9=qpA8hx6KDkg#rHochc=u>6#E%j1+;L!TP"
    "19}X=)>DGfVV6hcNUf>#|hzZ@@T;jQb!D;>iFTT*H"
)
MODULES = {4: zlib.decompress(b85decode(_DWARF_4)), 5: zlib.decompress(b85decode(_DWARF_5))}


@pytest.mark.parametrize("version", MODULES)
def test_a_trap_names_the_line_that_trapped(version: int) -> None:
    template = ExtismEngine().load([("main", MODULES[version])], Limits(), Doors())
    with (
        closing(template),
        closing(template.instance()) as instance,
        pytest.raises(GuestTrapped, match=r"executed at crash\.c:3;") as caught,
    ):
        instance.call("crash", b"")
    assert caught.value.details["backtrace"] == ("crash (function 0) at crash.c:3",)


def test_a_trap_without_dwarf_names_functions_alone(load) -> None:
    with pytest.raises(GuestTrapped) as caught:
        load('(func $broken (export "f") (unreachable))').instance().call("f", b"")
    (frame,) = caught.value.details["backtrace"]
    assert frame.startswith("broken (function ")
    assert " at " not in frame + str(caught.value)


@given(st.sampled_from(list(MODULES)), st.data())
def test_a_section_that_lies_tells_less_and_breaks_nothing(version: int, data: st.DataObject) -> None:
    lines = SourceLines.of(inspect(MODULES[version]))
    assert lines is not None
    section = bytearray(lines.sections[".debug_line"])
    for _ in range(data.draw(st.integers(1, 8))):
        section[data.draw(st.integers(0, len(section) - 1))] = data.draw(st.integers(0, 255))
    lines.sections[".debug_line"] = bytes(section[: data.draw(st.integers(0, len(section)))])
    for offset in range(0, 400, 7):
        assert len(lines.place(offset)) < 300


def test_a_program_without_end_is_read_to_a_bound() -> None:
    lines = SourceLines.of(inspect(MODULES[4]))
    assert lines is not None
    head = lines.sections[".debug_line"]
    start = 10 + int.from_bytes(head[6:10], "little")
    body = head[4:start] + b"\x00\x05\x02\x05\x00\x00\x00" + b"\x14" * 1_000_000
    lines.sections[".debug_line"] = len(body).to_bytes(4, "little") + body
    assert lines.place(lines.code_at + 5).startswith("crash.c:")
    assert lines.place(lines.code_at + (1 << 31)).startswith("crash.c:")


def _unit(body: bytes) -> bytes:
    return len(body).to_bytes(4, "little") + body


def _files(names: bytes, program: bytes = b"") -> bytes:
    head = bytes([1, 1, 1, 251, 14, 1]) + names
    return _unit(b"\4\0" + len(head).to_bytes(4, "little") + head + program)


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(_unit(b"\1\0") * 250_001, id="units-of-other-versions"),
        pytest.param(_files(b"f" * 199 + b"\0\0" + b"a\0\1\0\0" * 20_001 + b"\0"), id="files-with-long-folders"),
        pytest.param(_files(b"\0" + b"a\0\1\0\0" * 20_000 + b"\0") * 13, id="many-units-with-files"),
        pytest.param(_files(b"\0\0", b"\0\x0a\2" + b"\xff" * 9), id="an-address-of-nine-bytes"),
    ],
)
def test_tables_that_explode_are_read_to_a_bound(before: bytes) -> None:
    lines = SourceLines.of(inspect(MODULES[4]))
    assert lines is not None
    lines.sections[".debug_line"] = before + lines.sections[".debug_line"]
    assert lines.place(lines.code_at + 5) == ""
