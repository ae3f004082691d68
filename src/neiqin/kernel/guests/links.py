"""Lasting links: unlike an invitation they are made again whenever they are shown, so nothing of them is stored.

A token is numbers and their signature under the master key. What the numbers mean, and whether it still holds, is the
module's that gives the link.
"""

from neiqin.kernel.guests.asks import same
from neiqin.kernel.personal.keys import blind

MOST = 120


def token_of(purpose: str, *numbers: int) -> str:
    """The token of these numbers, e.g. 42-7-0-… (128 bits of signature). Other purposes have other signatures."""
    said = "-".join(map(str, numbers))
    return f"{said}-{blind(said, f'guests.link.{purpose}').hex()}"


def numbers_of(purpose: str, token: str) -> tuple[int, ...] | None:
    """The numbers of a token of this purpose; None for one that was altered or is none."""
    said, _, signature = token.rpartition("-")
    if len(token) > MOST or not said.replace("-", "").isdecimal() or not said.isascii():
        return None
    if not same(blind(said, f"guests.link.{purpose}").hex().encode(), signature.encode()):
        return None
    return tuple(int(number) for number in said.split("-"))
