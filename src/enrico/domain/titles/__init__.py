"""What a job title says: level, job function, and which buying role it makes likely.

A title is read word by word against ``titles.csv``, never by substrings, so that a coordinator is
no COO. The words come in English, German, French, Spanish, Portuguese, Italian and Dutch, with some
Nordic and Polish; accents and gendered endings do not matter.

``table`` holds the words; ``phrases`` finds them in a title; ``posts`` and ``fields`` say which of
them are the holder's own post and its field; ``role_guess`` says what that makes of a buyer;
``occupations`` catches what the table lacks; ``reading`` puts it together.
"""

from enrico.domain.titles.reading import (
    TITLE_CONFIDENCE,
    Seniority,
    TitleReading,
    read_title,
)

__all__ = ["TITLE_CONFIDENCE", "Seniority", "TitleReading", "read_title"]
