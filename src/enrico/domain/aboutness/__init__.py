"""Is a search result about this account, or about a namesake?

Search matches loosely: a query for one firm brings stories that only mention it, stories about
firms of the same or a longer name, and ordinary sentences in which the name is a word. Only words
are weighed here: the account's name and domain, the result's title, snippet and URL.

``words`` are the tables; ``text`` reads a title or snippet; ``account`` knows how the account may
be written; ``uses`` finds the places and says what the name is there; ``verdict`` weighs them.
"""

from enrico.domain.aboutness.verdict import Aboutness, Verdict, about_account

__all__ = ["Aboutness", "Verdict", "about_account"]
