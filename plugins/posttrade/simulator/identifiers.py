"""Invented identifiers with correct check digits, so that a firm's own validation accepts the simulated world."""


def isin(country_code: str, body: str) -> str:
    """An ISIN: country, nine characters, and the Luhn check digit over the letters written as numbers (ISO 6166)."""
    stem = country_code + body
    digits = "".join(str(int(character, 36)) for character in stem)
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value // 10 + value % 10
    return f"{stem}{-total % 10}"


def lei(body: str) -> str:
    """An LEI: eighteen characters and two check digits, ISO/IEC 7064 MOD 97-10 (ISO 17442)."""
    return f"{body}{_mod_97_check_digits(body)}"


def iban(country_code: str, account: str) -> str:
    """An IBAN: country, two check digits, the national account number (ISO 13616)."""
    return f"{country_code}{_mod_97_check_digits(account + country_code)}{account}"


def _mod_97_check_digits(stem: str) -> str:
    number = int("".join(str(int(character, 36)) for character in stem) + "00")
    return f"{98 - number % 97:02d}"
