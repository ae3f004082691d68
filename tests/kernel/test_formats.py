"""Formats of practice.md 2.1: its own vectors, what clerks really type, and that nothing else gets through."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from neiqin.kernel.fields import formats as f
from neiqin.kernel.fields.formats import BadFormat

TODAY = date(2026, 11, 22)
PARSERS = [
    f.uscc,
    f.mobile,
    f.landline,
    f.phone,
    f.email,
    f.postcode,
    f.bank_account,
    f.resident_id,
    f.clean_text,
    f.money,
    f.quantity,
    f.integer,
    lambda text: f.date_cn(text, TODAY),
]


@pytest.mark.parametrize(
    ("parse", "written", "stored"),
    [
        (f.uscc, "91320594MA1AB2CD3G", "91320594MA1AB2CD3G"),
        (f.uscc, " 91320594-ma1ab2cd3g ", "91320594MA1AB2CD3G"),
        (f.uscc, "９１３２０５９４ＭＡ１ＡＢ２ＣＤ３Ｇ", "91320594MA1AB2CD3G"),
        (f.mobile, "+86 138-0013-8000", "13800138000"),
        (f.mobile, "'13800138000", "13800138000"),
        (f.mobile, "１３８００１３８０００", "13800138000"),
        (f.mobile, "008613800138000", "13800138000"),
        (f.mobile, "8613800138000", "13800138000"),
        (f.mobile, "\u202d13800138000\u202c", "13800138000"),
        (f.landline, "0512-65880000-8012", "0512-65880000-8012"),
        (f.landline, "（0512）65880000转8012", "0512-65880000-8012"),
        (f.landline, "+86 512 6588 0000", "0512-65880000"),
        (f.landline, "051265880000", "0512-65880000"),
        (f.landline, "0512-6588-0000", "0512-65880000"),
        (f.landline, "010 65880000", "010-65880000"),
        (f.landline, "4008208820", "400-820-8820"),
        (f.landline, "400-820-8820", "400-820-8820"),
        (f.landline, "95588", "95588"),
        (f.landline, "12345", "12345"),
        (f.phone, "+8613800138000", "13800138000"),
        (f.phone, "021-58880000", "021-58880000"),
        (f.phone, "10086", "10086"),
        (f.phone, "+49 30 0074321", "+49300074321"),
        (f.phone, "001 (503) 555-7555", "+15035557555"),
        (f.email, "Li.Wei@Example.COM", "Li.Wei@example.com"),
        (f.email, "li＠example．com", "li@example.com"),
        (f.postcode, "215000", "215000"),
        (f.bank_account, "6222 0210 0011 2345 672", "6222021000112345672"),
        (f.bank_account, "1102020109000000001", "1102020109000000001"),
        (f.resident_id, "11010519491231002x", "11010519491231002X"),
        (f.clean_text, " 恒川\u3000工业品\u200b（苏州）\r\n㎡ ", "恒川 工业品（苏州） ㎡"),
        (f.clean_text, "ＳＫＦ６２０４", "SKF6204"),
        (f.money, "¥1,234.50", Decimal("1234.50")),
        (f.money, "１２３４．５ 元", Decimal("1234.50")),
        (f.money, "1.2万", Decimal("12000.00")),
        (f.money, "0.12345万元", Decimal("1234.50")),
        (f.money, "（1,234.50）", Decimal("-1234.50")),
        (f.money, "-¥0.10", Decimal("-0.10")),
        (f.money, "9999999999999999.99", Decimal("9999999999999999.99")),
        (f.quantity, "12.500000", Decimal("12.5")),
        (f.quantity, "1,000", Decimal("1000")),
        (f.quantity, "0.000001", Decimal("0.000001")),
        (f.integer, "12.0", 12),
        (f.integer, "-9223372036854775808", -(2**63)),
        (f.date_cn, "2026-11-20", date(2026, 11, 20)),
        (f.date_cn, "2026/11/20", date(2026, 11, 20)),
        (f.date_cn, "2026.1.2", date(2026, 1, 2)),
        (f.date_cn, "20261120", date(2026, 11, 20)),
        (f.date_cn, "2026年11月20日", date(2026, 11, 20)),
        (f.date_cn, "2026-11-20 00:00:00", date(2026, 11, 20)),
    ],
)
def test_what_people_write_becomes_what_is_stored(parse, written, stored):
    assert parse(written) == stored
    assert str(parse(written)) == str(stored)


@pytest.mark.parametrize(
    ("parse", "written", "part"),
    [
        (f.uscc, "91320594MA1AB2CD3H", "末位应是 G，现在是 H"),
        (f.uscc, "91320594MA1AB2CD", "少 2 位"),
        (f.uscc, "91320594MA1AB2CD3GG", "多 1 位"),
        (f.uscc, "9I320594MA1AB2CD3G", "第 2 位是 I"),
        (f.uscc, "91320594MA1AB2CD3口", "第 18 位是「口」"),
        (f.mobile, "12800138000", "不会以 12 开头"),
        (f.mobile, "1380013800", "现在是 10 位"),
        (f.mobile, "13800138000王", "只有数字"),
        (f.landline, "65880000", "缺区号"),
        (f.landline, "12", "区号加"),
        (f.phone, "13800", "固定电话"),
        (f.phone, "+49 30", "固定电话"),
        (f.phone, "+86 99 1234", "固定电话"),
        (f.email, "li.example.com", "现在有 0 个"),
        (f.email, "a@b.com;c@d.com", "现在有 2 个"),
        (f.email, "li wei@example.com", "空格"),
        (f.email, "li@example", "不是完整的域名"),
        (f.postcode, "000000", "没有 000000"),
        (f.postcode, "21500", "6 位"),
        (f.bank_account, "1234567", "8 到 32 位"),
        (f.bank_account, "工行 11020201", "只有数字"),
        (lambda text: f.bank_account(text, personal=True), "123456789012345", "16 到 19 位"),
        (f.resident_id, "110105194912310021", "抄错了"),
        (f.resident_id, "110105194913310026", "19491331 不是一个日期"),
        (f.clean_text, "a\0b", "第 2 个字符是空字符"),
        (f.clean_text, "恒\ud83d", "第 2 个字符只有半个"),
        (lambda text: f.clean_text(text, 3), "恒川工业", "多出 1 个"),
        (f.money, "1.005", "最多 2 位小数"),
        (f.money, "1,23", "不是金额"),
        (f.money, "1e3", "不是金额"),
        (f.money, "NaN", "不是金额"),
        (f.money, "", "不是金额"),
        (f.money, "10000000000000000", "太大"),
        (f.quantity, "5 个", "不是数量"),
        (f.quantity, "0.0000001", "最多 6 位小数"),
        (f.integer, "12.5", "不能带小数"),
        (f.integer, "9223372036854775808", "超出范围"),
        (f.integer, "1" * 5000, "太大"),
        (lambda text: f.integer(text, 1, 31), "32", "1 到 31"),
        (f.date_cn, "2026-11-31", "11 月没有 31 日"),
        (f.date_cn, "2025-2-29", "2025 年 2 月没有 29 日"),
        (f.date_cn, "2026-13-01", "没有 13 月"),
        (f.date_cn, "26-11-20", "年份写四位"),
        (f.date_cn, "0026-11-20", "1900 到 2199"),
        (f.date_cn, "下周五", "看不出"),
    ],
)
def test_what_cannot_be_stored_gets_a_sentence_for_people(parse, written, part):
    with pytest.raises(BadFormat) as refused:
        parse(written)
    sentence = refused.value.sentence
    assert part in sentence
    assert sentence.endswith("。")
    assert not set("您请亲!！") & set(sentence)


def test_a_short_date_lies_in_this_year():
    assert f.date_cn("11-20", TODAY) == f.date_cn("11月20日", TODAY) == date(2026, 11, 20)
    with pytest.raises(BadFormat):
        f.date_cn("2-29", TODAY)


def test_masks_show_what_practice_allows():
    assert f.mask_mobile("13800138000") == "138****8000"
    assert f.mask_mobile("0512-65880000") == "0512****00"
    assert f.mask_email("anna@x.com") == "a***@x.com"
    assert f.mask_id("11010519491231002X") == "110***********002X"
    assert f.mask_card("6222021000112345672") == "****5672"
    assert f.mask_name("张小伟") == "张*"
    assert [mask("") for mask in (f.mask_mobile, f.mask_email, f.mask_id, f.mask_card, f.mask_name)] == [""] * 5


def test_luhn_is_a_question_not_a_rule():
    assert f.passes_luhn("6222021000112345672")
    assert not f.passes_luhn("6222021000112345673")
    assert f.bank_account("6222021000112345673", personal=True) == "6222021000112345673"


def test_company_names_meet_whatever_their_brackets():
    assert f.company_name_key("某科技（青岛）有限公司") == f.company_name_key("某科技 (青岛)有限公司\u3000")
    assert f.company_name_key("ａbc科技") == "ABC科技"


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=17, max_size=17), st.integers(0, 17), st.integers(1, 30))
def test_one_altered_character_of_a_uscc_is_noticed(first17, at, shift):
    code = first17 + f.uscc_check_digit(first17)
    assert f.uscc(code) == code
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    other = alphabet[(alphabet.index(code[at]) + shift) % 31]
    with pytest.raises(BadFormat):
        f.uscc(code[:at] + other + code[at + 1 :])


@given(st.decimals(-(10**15), 10**15, places=2))
def test_any_amount_survives_being_written_with_separators(amount):
    assert f.money(f"{amount:,.2f}") == amount


@given(st.dates(date(1900, 1, 1), date(2199, 12, 31)))
def test_any_day_survives_each_way_of_writing_it(day):
    for shape in ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y年%m月%d日"):
        assert f.date_cn(day.strftime(shape)) == day


@given(st.text(st.characters(codec=None), max_size=40))
@example("\ud800")
@example("\0")
@example("١٢٣")
@example("²³")
@example("Ⅷ")
def test_any_text_is_stored_or_refused_and_what_is_stored_is_stable(text):
    for parse in PARSERS:
        try:
            stored = parse(text)
        except BadFormat:
            continue
        again = str(stored)
        again.encode()
        assert "\0" not in again
        assert parse(again) == stored


@given(st.text(max_size=300))
def test_sort_keys_are_plain_and_bounded(text):
    for key in (f.pinyin_key(text), f.initials(text)):
        assert key.isascii()
        assert key == key.lower()
    assert len(f.pinyin_key(text)) <= 240


@pytest.mark.parametrize(
    ("name", "key", "mnemonic"),
    [
        ("恒川工业品", "heng chuan gong ye pin", "hcgyp"),
        ("重庆长虹机电", "chong qing chang hong ji dian", "cqchjd"),
        ("重工", "zhong gong", "zg"),
        (
            "东莞市长安镇恒泰五金机械商行",
            "dong guan shi chang an zhen heng tai wu jin ji xie shang hang",
            "dgscazhtwjjxsh",
        ),
        ("销售部长", "xiao shou bu zhang", "xsbz"),
        ("厦门", "xia men", "xm"),
        ("吕梁", "lv liang", "ll"),
        ("3M中国", "000003 m zhong guo", "3mzg"),
        ("（", "", ""),
    ],
)
def test_pinyin_of_names(name, key, mnemonic):
    assert (f.pinyin_key(name), f.initials(name)) == (key, mnemonic)


def test_surnames_read_as_surnames():
    assert f.pinyin_key("单雄", person=True) == "shan xiong"
    assert f.pinyin_key("仇英", person=True) == "qiu ying"
    assert f.initials("尉迟恭", person=True) == "ycg"
    assert f.pinyin_key("单元") == "dan yuan"


def test_names_sort_character_by_character_and_numbers_by_value():
    names = ["西安10号仓", "先锋机电", "西安2号仓"]
    assert sorted(names, key=f.pinyin_key) == ["西安2号仓", "西安10号仓", "先锋机电"]


def test_days_of_a_year_sort_as_written():
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    assert [f.date_cn(day.strftime("%m-%d"), TODAY) for day in days] == days
