//! Tricks that stand beside a shape.

use super::Outcome::{self, Cleaned, Harmless, Refused};

/// Tricks beside a shape, within a well-formed SVG.
pub(super) const INNER: &[(&str, &str, Outcome)] = &[
    ("a script", "<script>alert(1)</script>", Cleaned),
    ("a script from elsewhere", "<script href='https://evil.example/x.js'/>", Cleaned),
    ("a script by xlink", "<script xlink:href='data:text/javascript,alert(1)'/>", Cleaned),
    ("a script in capitals", "<SCRIPT>alert(1)</SCRIPT>", Cleaned),
    ("a script in CDATA", "<script><![CDATA[alert(1)]]></script>", Cleaned),
    (
        "a script of another type",
        "<script type='application/ecmascript'>alert(1)</script>",
        Cleaned,
    ),
    (
        "a script of HTML",
        "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>",
        Cleaned,
    ),
    ("a script in defs", "<defs><script>alert(1)</script></defs>", Cleaned),
    ("onload on a shape", "<rect onload='alert(1)' width='9' height='9'/>", Cleaned),
    ("onclick in odd case", "<rect OnClIcK='alert(1)' width='9' height='9'/>", Cleaned),
    ("onerror of an image", "<image href='x' onerror='alert(1)' width='9' height='9'/>", Cleaned),
    (
        "onbegin of an animation",
        "<animate onbegin='alert(1)' attributeName='x' dur='1s'/>",
        Cleaned,
    ),
    (
        "a handler with a namespace",
        "<rect xmlns:e='http://www.w3.org/2001/xml-events' e:onclick='alert(1)' width='9' height='9'/>",
        Cleaned,
    ),
    (
        "onfocus with tabindex",
        "<g tabindex='0' onfocus='alert(1)' autofocus='1'><rect width='9' height='9'/></g>",
        Cleaned,
    ),
    (
        "onmouseover on a group",
        "<g onmouseover='alert(1)'><rect width='9' height='9'/></g>",
        Cleaned,
    ),
    (
        "a handler element",
        "<handler type='text/javascript' ev:event='load' xmlns:ev='http://www.w3.org/2001/xml-events'>alert(1)</handler>",
        Cleaned,
    ),
    (
        "a listener",
        "<listener event='load' handler='#x' xmlns='http://www.w3.org/2001/xml-events'/>",
        Cleaned,
    ),
    (
        "foreign objects",
        "<foreignObject width='9' height='9'><body xmlns='http://www.w3.org/1999/xhtml'><script>alert(1)</script></body></foreignObject>",
        Cleaned,
    ),
    (
        "a frame",
        "<foreignObject><iframe xmlns='http://www.w3.org/1999/xhtml' src='javascript:alert(1)'/></foreignObject>",
        Cleaned,
    ),
    (
        "a frame outside",
        "<iframe xmlns='http://www.w3.org/1999/xhtml' src='javascript:alert(1)'/>",
        Cleaned,
    ),
    (
        "an image of HTML with onerror",
        "<img xmlns='http://www.w3.org/1999/xhtml' src='x' onerror='alert(1)'/>",
        Cleaned,
    ),
    ("an image from a file", "<image href='file:///etc/passwd' width='9' height='9'/>", Cleaned),
    ("an image from a path", "<image href='/etc/passwd' width='9' height='9'/>", Cleaned),
    (
        "an image from a relative path",
        "<image href='../../secret.png' width='9' height='9'/>",
        Cleaned,
    ),
    (
        "an image from elsewhere",
        "<image xlink:href='http://evil.example/secret.png' width='9' height='9'/>",
        Cleaned,
    ),
    (
        "an image without a scheme",
        "<image href='//evil.example/secret.png' width='9' height='9'/>",
        Cleaned,
    ),
    (
        "an SVG in an image",
        "<image width='9' height='9' href='data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciPjxzY3JpcHQ+YWxlcnQoMSk8L3NjcmlwdD48L3N2Zz4='/>",
        Cleaned,
    ),
    (
        "a PNG in an image",
        "<image width='9' height='9' href='data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='/>",
        Cleaned,
    ),
    (
        "a page in an image",
        "<image width='9' height='9' href='data:text/html,&lt;script&gt;alert(1)&lt;/script&gt;'/>",
        Cleaned,
    ),
    ("a script in an image", "<image width='9' height='9' href='javascript:alert(1)'/>", Cleaned),
    ("use of a file", "<use href='file:///etc/passwd#x'/>", Cleaned),
    ("use of elsewhere", "<use xlink:href='https://evil.example/secret.svg#x'/>", Cleaned),
    ("use of data", "<use href='data:image/svg+xml;base64,PHN2Zy8+#x'/>", Cleaned),
    ("use of a script", "<use href='javascript:alert(1)'/>", Cleaned),
    ("use of itself", "<g id='a'><use href='#a'/></g>", Refused),
    ("use in a circle", "<g id='a'><use href='#b'/></g><g id='b'><use href='#a'/></g>", Refused),
    ("use of a script here", "<script id='s'>alert(1)</script><use href='#s'/>", Cleaned),
    (
        "a link to a script",
        "<a href='javascript:alert(1)'><rect width='9' height='9'/></a>",
        Cleaned,
    ),
    (
        "a link to a script by xlink",
        "<a xlink:href='javascript:alert(1)'><rect width='9' height='9'/></a>",
        Cleaned,
    ),
    (
        "a link to a script with a tab",
        "<a href='java&#9;script:alert(1)'><rect width='9' height='9'/></a>",
        Cleaned,
    ),
    (
        "a link to a script by entities",
        "<a href='&#106;avascript:alert(1)'><rect width='9' height='9'/></a>",
        Cleaned,
    ),
    (
        "a link elsewhere",
        "<a href='https://evil.example' target='_top'><rect width='9' height='9'/></a>",
        Cleaned,
    ),
    ("an import", "<style>@import url('https://evil.example/secret.css');</style>", Cleaned),
    ("an import without url", "<style>@import 'https://evil.example/secret.css';</style>", Cleaned),
    (
        "a url in a style sheet",
        "<style>path { fill: url(https://evil.example/secret.svg#x) }</style>",
        Harmless,
    ),
    (
        "a font from elsewhere",
        "<style>@font-face { font-family: x; src: url(https://evil.example/secret) }</style>",
        Cleaned,
    ),
    (
        "a url in a style",
        "<rect style='fill:url(file:///etc/passwd#x)' width='9' height='9'/>",
        Harmless,
    ),
    (
        "a script in a style",
        "<rect style='background:url(javascript:alert(1))' width='9' height='9'/>",
        Cleaned,
    ),
    (
        "an expression in a style",
        "<rect style='width: expression(alert(1))' width='9' height='9'/>",
        Cleaned,
    ),
    (
        "a style sheet in CDATA",
        "<style><![CDATA[@import url(//evil.example/secret);]]></style>",
        Cleaned,
    ),
    (
        "a style sheet that ends early",
        "<style>&lt;/style&gt;&lt;script&gt;alert(1)&lt;/script&gt;</style>",
        Cleaned,
    ),
    (
        "a behaviour",
        "<style>path { behavior: url(secret.htc); -moz-binding: url(secret.xml#a) }</style>",
        Cleaned,
    ),
    (
        "setting a link",
        "<a id='l' href='#'><set attributeName='href' to='javascript:alert(1)'/><rect width='9' height='9'/></a>",
        Cleaned,
    ),
    (
        "animating a link",
        "<a><animate attributeName='xlink:href' values='javascript:alert(1)'/><rect width='9' height='9'/></a>",
        Cleaned,
    ),
    (
        "animating a handler",
        "<rect width='9' height='9'><set attributeName='onclick' to='alert(1)'/></rect>",
        Cleaned,
    ),
    (
        "moving along a path elsewhere",
        "<rect width='9' height='9'><animateMotion><mpath href='https://evil.example/secret#p'/></animateMotion></rect>",
        Cleaned,
    ),
    (
        "a cursor from elsewhere",
        "<rect cursor='url(https://evil.example/secret.cur)' width='9' height='9'/>",
        Cleaned,
    ),
    (
        "a marker from elsewhere",
        "<path d='M0 0h9' marker-end='url(https://evil.example/secret#m)'/>",
        Harmless,
    ),
    (
        "a filter from elsewhere",
        "<rect filter='url(https://evil.example/secret#f)' width='9' height='9'/>",
        Harmless,
    ),
    (
        "a mask from a file",
        "<rect mask='url(file:///etc/passwd#m)' width='9' height='9'/>",
        Harmless,
    ),
    (
        "a clip from elsewhere",
        "<rect clip-path='url(//evil.example/secret#c)' width='9' height='9'/>",
        Harmless,
    ),
    (
        "a filter with an image",
        "<filter id='f'><feImage href='file:///etc/passwd'/></filter><rect filter='url(#f)' width='9' height='9'/>",
        Harmless,
    ),
    (
        "a filter with a part of itself",
        "<filter id='f'><feImage href='#r'/></filter><rect id='r' width='9' height='9'/><rect filter='url(#f)' width='9' height='9'/>",
        Harmless,
    ),
    (
        "a gradient from elsewhere",
        "<linearGradient id='g' href='https://evil.example/secret#g'/><rect fill='url(#g)' width='9' height='9'/>",
        Harmless,
    ),
    (
        "a harmful identifier",
        "<linearGradient id='javascript:alert(1)'><stop stop-color='red'/><stop offset='1'/></linearGradient><rect fill='url(#javascript:alert(1))' width='9' height='9'/>",
        Harmless,
    ),
    (
        "a harmful result",
        "<filter id='f'><feFlood result='javascript:alert(1)'/></filter><rect filter='url(#f)' width='9' height='9'/>",
        Harmless,
    ),
    (
        "a harmful class",
        "<rect class='\"&gt;&lt;script&gt;alert(1)' width='9' height='9'/>",
        Cleaned,
    ),
    ("markup in a title", "<title>&lt;script&gt;alert(1)&lt;/script&gt;</title>", Cleaned),
    (
        "markup in metadata",
        "<metadata><script xmlns='http://www.w3.org/1999/xhtml'>alert(1)</script></metadata>",
        Cleaned,
    ),
    ("a comment that a browser ends early", "<!--><script>alert(1)</script>-->", Harmless),
    (
        "a switch",
        "<switch><foreignObject requiredExtensions='x'><script>alert(1)</script></foreignObject><g><rect width='9' height='9'/></g></switch>",
        Cleaned,
    ),
    (
        "a video",
        "<video xmlns='http://www.w3.org/1999/xhtml' src='https://evil.example/secret' autoplay='1'/>",
        Cleaned,
    ),
    (
        "an embedded object",
        "<embed xmlns='http://www.w3.org/1999/xhtml' src='data:text/html,x'/>",
        Cleaned,
    ),
    ("a base", "<g xml:base='https://evil.example/secret/'><use href='x#y'/></g>", Cleaned),
    (
        "a text path elsewhere",
        "<text><textPath href='https://evil.example/secret#p'>x</textPath></text>",
        Cleaned,
    ),
    ("a glyph with a script", "<font><glyph onload='alert(1)'/></font>", Cleaned),
    ("a discard", "<discard begin='0s' onbegin='alert(1)'/>", Cleaned),
    (
        "a nested SVG with a handler",
        "<svg onload='alert(1)'><script>alert(1)</script></svg>",
        Cleaned,
    ),
    (
        "a symbol with a script",
        "<symbol id='s'><script>alert(1)</script><rect width='9' height='9'/></symbol><use href='#s'/>",
        Cleaned,
    ),
    (
        "a pattern within itself",
        "<pattern id='p' width='9' height='9'><rect width='9' height='9' fill='url(#p)'/></pattern><rect width='9' height='9' fill='url(#p)'/>",
        Refused,
    ),
    (
        "a mask within itself",
        "<mask id='m'><rect mask='url(#m)' width='9' height='9'/></mask><rect mask='url(#m)' width='9' height='9'/>",
        Refused,
    ),
];
