"""Who a company, a person or an account is: registration codes, ID numbers, account numbers, comparable names."""

import contextlib
import re
import unicodedata
from datetime import date

from django.utils.translation import gettext as _

from neiqin.kernel.fields.formats.text import BadFormat, half_width

_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_VALUE = {char: value for value, char in enumerate(_USCC_ALPHABET)}
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_USCC_LOOKALIKE = {"I": "1", "O": "0", "Z": "2", "S": "5", "V": "U"}
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_MAP = "10X98765432"
_JOINTS = str.maketrans("", "", " -")


def uscc_check_digit(first17: str) -> str:
    """The 18th character of a 统一社会信用代码 from its first 17 (upper case, valid alphabet). GB 32100-2015, 5.2."""
    total = sum(_USCC_VALUE[char] * weight for char, weight in zip(first17, _USCC_WEIGHTS, strict=True))
    return _USCC_ALPHABET[(31 - total % 31) % 31]


def uscc(text: str) -> str:
    """统一社会信用代码 as written -> 18 upper-case characters. Source: GB 32100-2015, practice.md 2.1.

    BadFormat: wrong length, a letter that the code never has (I O Z S V), or a check digit that does not fit.
    """
    code = half_width(text).upper().translate(_JOINTS)
    if len(code) != 18:
        raise BadFormat(_wrong_length(_("统一社会信用代码"), 18, len(code), _("照营业执照核对。")))
    for at, char in enumerate(code, 1):
        if char not in _USCC_VALUE:
            raise BadFormat(_foreign_character(char, at))
    expected = uscc_check_digit(code[:17])
    if code[17] != expected:
        raise BadFormat(
            _("统一社会信用代码有一位抄错了：按前 17 位算，末位应是 %(want)s，现在是 %(have)s。照营业执照逐位核对。")
            % {"want": expected, "have": code[17]}
        )
    return code


def _foreign_character(char: str, at: int) -> str:
    if char in _USCC_LOOKALIKE:
        return _(
            "统一社会信用代码第 %(at)d 位是 %(char)s，代码里从不用这个字母。多半应是 %(like)s，照营业执照核对。"
        ) % {
            "at": at,
            "char": char,
            "like": _USCC_LOOKALIKE[char],
        }
    return _("统一社会信用代码第 %(at)d 位是「%(char)s」，代码只用数字和大写字母。照营业执照核对。") % {
        "at": at,
        "char": char,
    }


def _wrong_length(what: str, want: int, have: int, remedy: str) -> str:
    if have < want:
        short = {"what": what, "want": want, "have": have, "gap": want - have, "remedy": remedy}
        return _("%(what)s应是 %(want)d 位，现在是 %(have)d 位，少 %(gap)d 位。%(remedy)s") % short
    over = {"what": what, "want": want, "have": have, "gap": have - want, "remedy": remedy}
    return _("%(what)s应是 %(want)d 位，现在是 %(have)d 位，多 %(gap)d 位。%(remedy)s") % over


def resident_id(text: str) -> str:
    """居民身份证号 as written -> 18 characters, X in upper case. Source: GB 11643-1999, practice.md 2.1.

    A sensitive number (PIPL art. 28): collect only where a law needs it, store as a personal column.
    BadFormat: wrong length, not digits, a birth date that no calendar has, or a check digit that does not fit.
    """
    code = half_width(text).upper().translate(_JOINTS)
    if len(code) != 18:
        raise BadFormat(_wrong_length(_("身份证号"), 18, len(code), _("照证件核对，15 位旧号要换成 18 位。")))
    if not (code[:17].isascii() and code[:17].isdigit() and code[17] in _ID_MAP):
        raise BadFormat(_("身份证号前 17 位只能是数字，末位是数字或 X。照证件核对。"))
    try:
        date(int(code[6:10]), int(code[10:12]), int(code[12:14]))
    except ValueError:
        raise BadFormat(
            _("身份证号第 7 到 14 位是出生日期，%(born)s 不是一个日期。照证件核对。") % {"born": code[6:14]}
        ) from None
    total = sum(int(digit) * weight for digit, weight in zip(code, _ID_WEIGHTS, strict=False))
    if code[17] != _ID_MAP[total % 11]:
        raise BadFormat(_("身份证号有一位抄错了：末位与前 17 位对不上。照证件逐位核对。"))
    return code


def tax_no(text: str) -> str:
    """A taxpayer's number as invoices carry it: the credit code, an ID of a person, or an old one of 15, 17 or 20
    characters (practice.md 2.1; who shows it should say that it is an old one). Raises BadFormat."""
    written = half_width(text).translate(_JOINTS).upper()
    if len(written) in (15, 17, 20) and written.isascii() and written.isalnum():
        return written
    if len(written) != 18:
        raise BadFormat(_wrong_length(_("税号"), 18, len(written), _("老税号是 15、17 或 20 位，照开票资料核对。")))
    with contextlib.suppress(BadFormat):
        return resident_id(written)
    return uscc(written)


def bank_account(text: str, *, personal: bool = False) -> str:
    """银行账号 as written -> digits only. Corporate (对公) 8 to 32 digits without any check digit; a `personal` card 16
    to 19 digits, where a failed Luhn check is a warning for the caller (`passes_luhn`), not an error. practice.md 2.1.

    BadFormat: something other than digits, or a length that no bank uses.
    """
    digits = half_width(text).translate(_JOINTS)
    if not (digits.isascii() and digits.isdigit()):
        raise BadFormat(_("银行账号只有数字。去掉字母、汉字和符号，开户行写到「开户行」里。"))
    least, most = (16, 19) if personal else (8, 32)
    if not least <= len(digits) <= most:
        what = _("个人银行卡号") if personal else _("对公账号")
        raise BadFormat(
            _("%(what)s应是 %(least)d 到 %(most)d 位，现在是 %(have)d 位。照开户资料核对。")
            % {"what": what, "least": least, "most": most, "have": len(digits)}
        )
    return digits


def passes_luhn(digits: str) -> bool:
    """Whether a card number of digits passes the Luhn check (ISO/IEC 7812-1 annex B). Only personal cards have it."""
    doubled = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
    odd = sum(int(digit) for digit in digits[-1::-2])
    return (odd + sum(doubled[int(digit)] for digit in digits[-2::-2])) % 10 == 0


_NAME_BRACKETS = str.maketrans("〔〕【】[]", "()()()")
_NAME_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2060\ufeff]+")


_KINDS = re.compile(
    r"(?:\(?(?:集团|控股)\)?)?"
    r"(?:股份有限公司|有限责任公司|有限公司|股份公司|分公司|总公司|公司|CO\.?,?LTD\.?|INC\.?|LLC)$"
)


def company_core(name: str) -> str:
    """What is left of a company name without its legal form, for comparison: 有限公司 or 有限责任公司 is one."""
    key = company_name_key(name)
    return _KINDS.sub("", key) or key


def company_name_key(name: str) -> str:
    """A company name -> the text under which equal names meet: NFKC, half-width brackets, no spaces inside, upper-case
    Latin (practice.md 2.1 `name_norm`). For comparison and uniqueness only, never shown."""
    return _NAME_SPACE.sub("", unicodedata.normalize("NFKC", name)).translate(_NAME_BRACKETS).upper()
