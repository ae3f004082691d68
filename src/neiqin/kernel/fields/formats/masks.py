"""What of a personal value may be seen without the right to reveal it (practice.md 7.1). Each takes the stored form,
gives text of a length that tells nothing about the rest, and gives "" for ""."""


def mask_mobile(number: str) -> str:
    """13800138000 -> 138****8000; other telephones keep their beginning and last two: 0512****00."""
    if not number:
        return ""
    digits = number.split("-")
    if len(digits) == 1 and len(number) == 11:
        return f"{number[:3]}****{number[-4:]}"
    return f"{number[:4].rstrip('-')}****{number[-2:]}" if len(number) >= 9 else "****"


def mask_email(address: str) -> str:
    """li.wei@x.com -> l***@x.com."""
    local, at, domain = address.partition("@")
    return f"{local[:1]}***{at}{domain}" if address else ""


def mask_id(number: str) -> str:
    """身份证: first three and last four: 110***********002X."""
    if not number:
        return ""
    return f"{number[:3]}{'*' * 11}{number[-4:]}" if len(number) >= 15 else "****"


def mask_card(number: str) -> str:
    """Bank card or account: the last four: ****5672."""
    if not number:
        return ""
    return f"****{number[-4:]}" if len(number) >= 8 else "****"


def mask_name(name: str) -> str:
    """张伟 -> 张*, whatever the length of the name."""
    return f"{name[:1]}*" if name else ""


def whole(name: str) -> str:
    """A name that work needs: sealed like all that is personal, and shown as it is."""
    return name
