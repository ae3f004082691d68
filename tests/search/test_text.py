"""What typed letters and characters find in a name, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neiqin.kernel.fields.formats import readings
from neiqin.kernel.search.text import asked, entry, flat, token

HAN = "重庆长虹单仇厂行乐区大江密精工限公司泵业阀会参石广南信食仪器械澄苏州昆山西安先恒川吕女王一曾解盖覃尉迟"
names = st.text(HAN, min_size=2, max_size=16)
mixed = st.text(HAN + "abTCL3M08（）(). -", min_size=2, max_size=20).filter(lambda text: len(flat(text)) >= 2)


def finds(typed, *texts):
    return asked(typed).matches(entry(texts))


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("cjjm", "澄江精密机械（昆山）有限公司"),
        ("jmjx", "澄江精密机械（昆山）有限公司"),
        ("jxks", "澄江精密机械（昆山）有限公司"),
        ("chengjiang", "澄江精密机械（昆山）有限公司"),
        ("jingmij", "澄江精密机械（昆山）有限公司"),
        ("机械昆山", "澄江精密机械（昆山）有限公司"),
        ("机械(昆", "澄江精密机械（昆山）有限公司"),
        ("澄江 昆山", "澄江精密机械（昆山）有限公司"),
        ("昆山jm", "澄江精密机械（昆山）有限公司"),
        ("chongqing", "重庆川仪"),
        ("zhongqing", "重庆川仪"),
        ("chongq", "重庆川仪"),
        ("chon", "重庆川仪"),
        ("cq", "重庆川仪"),
        ("zq", "重庆川仪"),
        ("zqcy", "重庆川仪"),
        ("changhong", "四川长虹电器"),
        ("zhanghong", "四川长虹电器"),
        ("zh", "四川长虹电器"),
        ("scch", "四川长虹电器"),
        ("shan", "单雄"),
        ("dan", "单雄"),
        ("qiu", "仇英"),
        ("chou", "仇英"),
        ("xian", "西安泵业"),
        ("xi'an", "西安泵业"),
        ("xian", "先锋泵业"),
        ("tclkj", "TCL科技"),
        ("3mzg", "3M中国"),
        ("tcl", "ＴＣＬ科技"),
        ("ＴＣＬ", "TCL科技"),
        ("kh000777", "KH000777"),
        ("KH00", "KH000777"),
        ("0777", "KH000777"),
        ("DD20261122-0001", "DD20261122-0001"),
        ("20261122", "DD20261122-0001"),
        ("重", "重庆川仪"),
        ("c", "重庆川仪"),
        ("lv", "吕氏"),
    ],
)
def test_what_is_typed_finds_the_name(typed, name):
    assert finds(typed, name)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("精澄", "澄江精密"),
        ("澄密", "澄江精密"),
        ("cjm", "澄江精密"),
        ("ianj", "西安江南"),
        ("ong", "重庆川仪"),
        ("江精 上海", "澄江精密"),
        ("7778", "KH000777"),
        ("%", "澄江100%精密"),
        ("_", "a_b"),
        ("\\", "a\\b"),
        (".*", "澄江精密"),
        ("😀", "澄江😀精密"),
        ("", "澄江精密"),
    ],
)
def test_what_is_not_in_the_name_does_not_find_it(typed, name):
    assert not finds(typed, name)


def test_words_of_two_columns_find_together_but_not_across_their_border():
    assert finds("澄江 潘工", "澄江精密", "潘工")
    assert not finds("精密潘工", "澄江精密", "潘工")
    assert not finds("jmpg", "澄江精密", "潘工")


@given(mixed, st.data())
def test_every_part_of_a_name_finds_it(name, data):
    line = flat(name)
    start = data.draw(st.integers(0, len(line) - 1))
    end = data.draw(st.integers(start + 1, len(line)))
    assert finds(line[start:end], name)


@given(names, st.data())
def test_the_initials_of_every_run_find_it_in_every_reading(name, data):
    start = data.draw(st.integers(0, len(name) - 2))
    end = data.draw(st.integers(start + 2, len(name)))
    typed = "".join(data.draw(st.sampled_from(readings(char)))[0] for char in name[start:end])
    assert finds(typed, name)


@given(names, st.data())
def test_full_pinyin_of_every_run_finds_it_in_every_reading(name, data):
    start = data.draw(st.integers(0, len(name) - 1))
    end = data.draw(st.integers(start + 1, min(len(name), start + 6)))
    syllables = [data.draw(st.sampled_from(readings(char))) for char in name[start:end]]
    unfinished = data.draw(st.integers(0, len(syllables[-1]) - 1))
    typed = "".join(syllables)
    assert finds(typed[: len(typed) - unfinished], name)


@given(st.text(max_size=200))
def test_any_text_is_a_query_and_an_entry(text):
    asked(text)
    made = entry([text, text[::-1]])
    assert all(-(2**31) <= t < 2**31 for t in made.tokens)


def test_long_texts_stay_small():
    assert len(entry(["重庆" * 5000]).text) == 400
    assert len(asked("chongqing" * 1000).terms) == 1
    assert len(asked("x" * 10_000).terms[0]) == 1
    assert sum(len(way.every) + len(way.some) for ways in asked("重庆" * 5000).terms for way in ways) <= 12
    assert len(asked("a " * 5000).terms) == 1


def test_tokens_of_different_kinds_differ():
    assert len({token(kind, "42") for kind in "csiouk"}) == 6
