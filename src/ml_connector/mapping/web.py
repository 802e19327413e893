"""Internet domains and e-mail addresses: which say who a company is, and which do not."""

from __future__ import annotations

import re
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

# Mailboxes anybody can open: such a domain says nothing about the company that uses it.
_FREE_MAIL = """
    126.com 163.com 1und1.de aim.com alice.it aliceadsl.fr aol.com aol.de arcor.de att.net bellsouth.net
    bigpond.com bigpond.net.au bluewin.ch blueyonder.co.uk bol.com.br bt.com btinternet.com
    btopenworld.com centurylink.net charter.net comcast.net cox.net duck.com earthlink.net
    eircom.net email.com email.de fastmail.com fastmail.fm foxmail.com free.fr freemail.hu freenet.de
    frontier.com gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net googlemail.com hey.com home.nl hotmail.be
    hotmail.ca hotmail.ch hotmail.co.uk hotmail.com hotmail.de hotmail.es hotmail.fr hotmail.it hotmail.nl
    hushmail.com icloud.com inbox.com inbox.lv inbox.ru interia.pl juno.com kabelmail.de kpnmail.nl
    laposte.net libero.it list.ru live.at live.be live.ca live.cn live.co.uk live.com live.com.au live.de
    live.dk live.fr live.it live.nl live.no live.se mac.com mail.com mail.de mail.ee mail.ru mailbox.org
    me.com msn.com naver.com neuf.fr ntlworld.com o2.pl onet.pl online.de online.no optonline.net
    optusnet.com.au orange.fr outlook.at outlook.be outlook.com outlook.com.au outlook.de outlook.dk
    outlook.es outlook.fr outlook.it pandora.be planet.nl pm.me post.cz posteo.de proton.me protonmail.ch
    protonmail.com qq.com quicknet.nl rambler.ru rediffmail.com rocketmail.com rogers.com sapo.pt
    sbcglobal.net seznam.cz sfr.fr shaw.ca sina.com sky.com skynet.be sohu.com sympatico.ca t-online.de
    talktalk.net telefonica.net telenet.be telia.com terra.com.br terra.es tin.it tiscali.co.uk tiscali.it
    tuta.com tutanota.com tutanota.de ukr.net uol.com.br upcmail.nl verizon.net versanet.de virgilio.it
    virgin.net virginmedia.com wanadoo.fr web.de windowslive.com windstream.net wp.pl xs4all.nl xtra.co.nz
    ya.ru yahoo.at yahoo.ca yahoo.co.id yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.com.ar
    yahoo.com.au yahoo.com.br yahoo.com.mx yahoo.de yahoo.dk yahoo.es yahoo.fr yahoo.ie yahoo.in yahoo.it
    yahoo.nl yahoo.no yahoo.se yandex.com yandex.ru yeah.net ymail.com zeelandnet.nl ziggo.nl zoho.com
"""
# Sites that host the pages of many: a company's page there is not its domain.
_SHARED_SITES = """
    alibaba.com amazon.com blogspot.com business.site ebay.com etsy.com facebook.com fb.com github.io
    goo.gl google.com indiamart.com instagram.com jimdo.com jimdofree.com linkedin.com linktr.ee
    made-in-china.com myshopify.com pinterest.com sharepoint.com tiktok.com tumblr.com twitter.com vk.com
    webnode.com weebly.com wixsite.com wordpress.com x.com xing.com yelp.com youtube.com
"""
FREE_MAIL = frozenset(_FREE_MAIL.split())
SHARED_SITES = frozenset(_SHARED_SITES.split()) | FREE_MAIL
_WEB_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://)?(?:[^/?#@\s]*@)?([^/?#@:\s]+)(?::\d+)?(?:[/?#]\S*)?", re.IGNORECASE
)
_ASCII_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_LABEL = re.compile(r"(?!-)[^\W_](?:[\w-]{0,61}[^\W_])?")
_SEPARATORS = re.compile(r"[\s;,|]+")
_PLAIN_LOCAL = re.compile(r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+){0,30}")
_MAX_EMAIL = 64  # of a whole address on the fast path: then neither of its parts can be too long
_MAX_DOMAIN = 253  # https://www.rfc-editor.org/rfc/rfc1035 section 2.3.4, without the final dot


def company_domain(text: str) -> str | None:
    """The domain of a web address or an e-mail address, where it can belong to one company only.

    Args:
        text: ``https://www.contoso.com/en``, ``contoso.com``, ``sales@contoso.com``; of several the first.
    """
    for part in _SEPARATORS.split(text.strip()):
        if "@" in part and "/" not in part:
            domain, refused = _domain(part.rpartition("@")[2]), FREE_MAIL
        else:
            matched = _WEB_ADDRESS.fullmatch(part)
            domain, refused = _domain(matched[1]) if matched else None, SHARED_SITES
        if domain and not _belongs_to(domain, refused):
            return domain
    return None


def email_address(text: str) -> str | None:
    """A well-formed e-mail address in lower case, as HubSpot stores it, else ``None``. Asks no server."""
    text = text.strip()
    local, _, domain = text.lower().rpartition("@")
    if (
        _PLAIN_LOCAL.fullmatch(local) and len(text) <= _MAX_EMAIL
    ):  # nearly every one: only its domain is judged
        return f"{local}@{domain}" if _plain_domain(domain) else _validated(text)
    return _validated(text)


@lru_cache(maxsize=4_096)
def _plain_domain(domain: str) -> bool:
    """Whether a domain is one of mail and is written in its normal form already; many addresses share one."""
    return domain.isascii() and _validated(f"a@{domain}") == f"a@{domain}"


def _validated(text: str) -> str | None:
    try:
        found = validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return None
    return found.normalized.lower()


def _domain(host: str) -> str | None:
    """A host name in lower case without ``www.``; not a single word, not an IP address."""
    host = host.lower().rstrip(".").removeprefix("www.")
    if len(host) <= _MAX_DOMAIN and _ASCII_HOST.fullmatch(host):
        return host  # nearly every one
    labels = host.split(".")
    if len(labels) < 2 or len(host) > _MAX_DOMAIN or labels[-1].isdigit():  # noqa: PLR2004 - a domain has a dot
        return None
    return host if all(_LABEL.fullmatch(label) for label in labels) else None


def _belongs_to(domain: str, sites: frozenset[str]) -> bool:
    """Whether a domain is one of these, or below one of them."""
    while domain:
        if domain in sites:
            return True
        domain = domain.partition(".")[2]
    return False
