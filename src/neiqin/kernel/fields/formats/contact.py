"""How to reach someone: telephone numbers, mail, postcode."""

import re

from django.utils.translation import gettext as _

from neiqin.kernel.fields.formats.text import BadFormat, half_width

_JOINTS = str.maketrans("", "", " -()")
_COUNTRY = re.compile(r"(?:\+|00)86")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_ABROAD = re.compile(r"(?:\+|00)(?!86)([1-9][0-9]{7,14})")
_ABROAD_JOINTS = str.maketrans("", "", " -()./")
_EXTENSION = re.compile(r"(?:转|分机|ext\.?|x|#|,|-)\s*([0-9]{1,6})$", re.IGNORECASE)
_FIXED = re.compile(r"(0(?:10|2[0-9]|[3-9][0-9]{2}))([1-9][0-9]{6,7})")
_CALL_CENTRE = re.compile(r"([48]00)([0-9]{3})([0-9]{4})")
_SHORT = re.compile(r"95[0-9]{3,4}|96[0-9]{3,4}|1[0-2][0-9]{3}")
_EMAIL = re.compile(r"[^\s@,;<>()\[\]\"\\]+@[^\s@]+")
_DOMAIN = re.compile(r"(?:[\w](?:[\w-]{0,61}[\w])?\.)+[^\W\d_][\w-]{1,62}")


def mobile(text: str) -> str:
    """手机号 as written -> 11 digits. Spaces, hyphens, +86, full-width digits and a leading ' are dropped.

    practice.md 2.1: `^1[3-9]\\d{9}$`. BadFormat: not 11 digits, or a beginning that no mobile number has.
    """
    number = _without_country(half_width(text).translate(_JOINTS))
    if _MOBILE.fullmatch(number):
        return number
    if not (number.isascii() and number.isdigit()):
        raise BadFormat(_("手机号只有数字。去掉其中的文字，写成 13800138000 这样的 11 位数字。"))
    if len(number) != 11:
        raise BadFormat(_("手机号应是 11 位，现在是 %(have)d 位。照对方发来的号码核对。") % {"have": len(number)})
    raise BadFormat(
        _("手机号不会以 %(start)s 开头，只有 13 到 19 开头的。照对方发来的号码核对。") % {"start": number[:2]}
    )


def _without_country(number: str) -> str:
    if country := _COUNTRY.match(number):
        return number[country.end() :]
    return number[2:] if len(number) == 13 and number.startswith("861") else number


def landline(text: str) -> str:
    """固话 as written -> 0512-65880000-8012 (area code, number, extension), 400-820-8820 or a short service number.

    (0512)65880000 转 8012, +86 512 6588 0000 and 051265880000 mean the same. practice.md 2.1.
    BadFormat: no such shape; the sentence asks for the area code where only that is missing.
    """
    written = half_width(text)
    number, extension = _split_extension(written)
    digits = number.translate(_JOINTS)
    if country := _COUNTRY.match(digits):
        digits = digits[country.end() :]
        digits = digits if digits.startswith(("0", "4", "8")) else "0" + digits
    if fixed := _FIXED.fullmatch(digits):
        return "-".join(filter(None, (*fixed.groups(), extension)))
    if not extension and (centre := _CALL_CENTRE.fullmatch(written.translate(_JOINTS))):
        return "-".join(centre.groups())
    if not extension and _SHORT.fullmatch(digits):
        return digits
    if re.fullmatch(r"[2-9][0-9]{6,7}", digits):
        raise BadFormat(_("固定电话缺区号。前面加上区号，写成 0512-65880000。"))
    raise BadFormat(_("固定电话应是区号加 7 到 8 位号码，分机写在最后。写成 0512-65880000-8012 或 400-820-8820。"))


def _split_extension(written: str) -> tuple[str, str]:
    """The number and its extension; "0512-65880000" has none although it ends in a hyphen and digits."""
    found = _EXTENSION.search(written)
    if not found:
        return written, ""
    head = written[: found.start()]
    return (
        (head, found[1]) if len(re.sub(r"\D", "", head)) >= 9 and not head.startswith(("400", "800")) else (written, "")
    )


def phone(text: str) -> str:
    """手机号 or 固话 as written -> the stored form of either (`mobile`, `landline`), or of a number abroad: + with the
    country's number, 8 to 15 digits in all (ITU-T E.164), +49300074321. BadFormat: none of them."""
    if abroad := _ABROAD.fullmatch(half_width(text).translate(_ABROAD_JOINTS)):
        return f"+{abroad[1]}"
    number = _without_country(half_width(text).translate(_JOINTS))
    if number.startswith("1") and len(number) > 5:
        return mobile(text)
    if _MOBILE.fullmatch(number):
        return number
    return landline(text)


def email(text: str) -> str:
    """邮箱 as written -> the address with its domain in lower case; the part before @ keeps its case (RFC 5321 2.4).

    One @, at most 254 characters. BadFormat: no @, several addresses, spaces, or a domain without a dot.
    """
    address = half_width(text).replace("。", ".").removeprefix("mailto:")
    if address.count("@") != 1:
        raise BadFormat(
            _("邮箱里要有一个 @，现在有 %(count)d 个。写成 name@company.com，一格只写一个邮箱。")
            % {"count": address.count("@")}
        )
    if not _EMAIL.fullmatch(address) or ".." in address or address.startswith("."):
        raise BadFormat(_("邮箱里有空格、逗号、括号或连着的点。写成 name@company.com，一格只写一个邮箱。"))
    local, domain = address.split("@")
    if not _DOMAIN.fullmatch(domain):
        raise BadFormat(_("@ 后面的「%(domain)s」不是完整的域名。写成 name@company.com。") % {"domain": domain})
    if len(address) > 254 or len(local) > 64:
        raise BadFormat(_("邮箱太长：@ 前最多 64 个字符，全长最多 254 个。从对方邮件里重新复制。"))
    return f"{local}@{domain.lower()}"


def postcode(text: str) -> str:
    """邮编 as written -> 6 digits, not 000000 (practice.md 2.1). BadFormat otherwise."""
    code = half_width(text).translate(_JOINTS)
    if len(code) != 6 or not (code.isascii() and code.isdigit()):
        raise BadFormat(_("邮编应是 6 位数字，例如 215000。按地址查一下再写，不知道就留空。"))
    if code == "000000":
        raise BadFormat(_("没有 000000 这个邮编。按地址查一下再写，不知道就留空。"))
    return code
