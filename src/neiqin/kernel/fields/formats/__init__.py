"""Formats of the field: text as people write it to the one way it is stored, or a sentence that says what is wrong.

Every function here is pure: no database, no settings, no clock except where "today" is a parameter. They serve forms,
imports, API and demo data alike, so a rule about a format is written once (practice.md section 2.1).
"""

from neiqin.kernel.fields.formats.address import split_address
from neiqin.kernel.fields.formats.contact import email, landline, mobile, phone, postcode
from neiqin.kernel.fields.formats.days import day_in_words
from neiqin.kernel.fields.formats.identity import (
    bank_account,
    company_core,
    company_name_key,
    passes_luhn,
    resident_id,
    tax_no,
    uscc,
    uscc_check_digit,
)
from neiqin.kernel.fields.formats.masks import mask_card, mask_email, mask_id, mask_mobile, mask_name, whole
from neiqin.kernel.fields.formats.number import date_cn, integer, money, quantity
from neiqin.kernel.fields.formats.pinyin import initials, pinyin_key, readings, syllables
from neiqin.kernel.fields.formats.text import BadFormat, clean_text, half_width

__all__ = [
    "BadFormat",
    "bank_account",
    "clean_text",
    "company_core",
    "company_name_key",
    "date_cn",
    "day_in_words",
    "email",
    "half_width",
    "initials",
    "integer",
    "landline",
    "mask_card",
    "mask_email",
    "mask_id",
    "mask_mobile",
    "mask_name",
    "mobile",
    "money",
    "passes_luhn",
    "phone",
    "pinyin_key",
    "postcode",
    "quantity",
    "readings",
    "resident_id",
    "split_address",
    "syllables",
    "tax_no",
    "uscc",
    "uscc_check_digit",
    "whole",
]
