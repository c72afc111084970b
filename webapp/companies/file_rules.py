"""What a company takes from Box into its projects: its rules for what others own and for what is
classified.

Box names a file's owner, not the owner's company. So a company says itself which addresses of Box
are its own: domains, or single addresses of people who use another.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.box.items import Origin
from webapp.companies.models import Company, CompanyMember
from webapp.core import audit
from webapp.core.checks import is_email
from webapp.core.problems import Invalid
from webapp.core.text import N_, _

OURS_MAX = 50
NAMED_MAX = 30
NAME_MAX_LENGTH = 200
DOMAINS_SHOWN = 5


class Rule(StrEnum):
    """What becomes of a file, from the mildest to the strictest."""

    ALLOW = "allow"
    WARN = "warn"
    REASON = "reason"
    BLOCK = "block"


RULE_NAMES = {
    Rule.ALLOW: N_("Allow"),
    Rule.WARN: N_("Warn"),
    Rule.REASON: N_("Ask for a reason"),
    Rule.BLOCK: N_("Block"),
}
_STRICTNESS = {rule: place for place, rule in enumerate(Rule)}


@dataclass(frozen=True)
class Finding:
    """One rule that speaks about a file: because of its owner, or of its classification."""

    rule: Rule
    owner: str = ""
    classification: str = ""

    @property
    def about(self) -> str:
        """The classification or the owner it speaks of."""
        return self.classification or self.owner or _("somebody Box does not name")

    def refusal(self, company: str) -> str:
        """Return why the company does not take the file, without a full stop."""
        facts = {"company": company, "name": self.about}
        if self.classification:
            return _("%(company)s does not take files classified as %(name)s", **facts)
        return _("%(company)s does not take files owned by %(name)s", **facts)

    def mark(self, company: str) -> str:
        """Return what is said beside a file that is taken all the same."""
        facts = {"company": company, "name": self.about}
        if self.classification:
            text = _("Classified as %(name)s", **facts)
        else:
            text = _("Owned by %(name)s, outside %(company)s", **facts)
        return _("%(what)s: needs a reason", what=text) if self.rule is Rule.REASON else text


@dataclass(frozen=True)
class FileRules:
    """A company's rules; `named` holds the classifications with a rule of their own."""

    outside: Rule = Rule.ALLOW
    ours: tuple[str, ...] = ()
    classified: Rule = Rule.ALLOW
    named: tuple[tuple[str, Rule], ...] = ()

    @classmethod
    def of(cls, company: Company) -> Self:
        return cls.from_kept(company.box_rules)

    @classmethod
    def from_kept(cls, kept: Mapping[str, Any]) -> Self:
        return cls(
            Rule(kept.get("outside", Rule.ALLOW)),
            tuple(kept.get("ours", ())),
            Rule(kept.get("classified", Rule.ALLOW)),
            tuple((name, Rule(rule)) for name, rule in kept.get("named", ())),
        )

    def kept(self) -> dict[str, Any]:
        """Return the rules as a company's row keeps them."""
        named = [[name, rule.value] for name, rule in self.named]
        return {
            "outside": self.outside.value,
            "ours": list(self.ours),
            "classified": self.classified.value,
            "named": named,
        }

    @property
    def say_nothing(self) -> bool:
        """True when every file may be attached, so that nobody has to look at any."""
        rules = {self.outside, self.classified, *(rule for _name, rule in self.named)}
        return rules == {Rule.ALLOW}

    def findings(self, origin: Origin) -> list[Finding]:
        """Return the rules that speak about a file, the strictest first."""
        found = []
        if self.outside is not Rule.ALLOW and self._is_outside(origin):
            found.append(Finding(self.outside, owner=origin.owner))
        if origin.classification:
            rule = self._rule_for(origin.classification)
            if rule is not Rule.ALLOW:
                found.append(Finding(rule, classification=origin.classification))
        return sorted(found, key=lambda finding: -_STRICTNESS[finding.rule])

    def _is_outside(self, origin: Origin) -> bool:
        """True for what neither the person nor anybody at one of our addresses owns."""
        if origin.owner_login is None:
            return False
        login = origin.owner_login.lower()
        return not (login in self.ours or login.rpartition("@")[2] in self.ours)

    def _rule_for(self, classification: str) -> Rule:
        wanted = classification.casefold()
        named = (rule for name, rule in self.named if name.casefold() == wanted)
        return next(named, self.classified)

    def lines(self) -> list[tuple[str, str]]:
        """Return the rules in words: what they are about, and what they say."""
        lines = [(_("Files owned outside the company"), _(RULE_NAMES[self.outside]))]
        if self.ours:
            lines.append((_("Counted as the company's own"), ", ".join(self.ours)))
        lines.append((_("Classified files"), _(RULE_NAMES[self.classified])))
        lines += [
            (_("Classified as %(name)s", name=name), _(RULE_NAMES[rule]))
            for name, rule in self.named
        ]
        return lines


def read(
    outside: str, ours: str, classified: str, names: Iterable[str], rules: Iterable[str]
) -> FileRules:
    """Return the rules that a form says; raises Invalid with what is wrong in it."""
    named = [(name, _rule(rule)) for name, rule in zip(names, rules, strict=False) if name]
    said = FileRules(_rule(outside), _ours(ours), _rule(classified), tuple(named))
    if len({name.casefold() for name, _rule_ in named}) < len(named):
        raise Invalid(_("A classification stands in the list twice. Give it one rule."))
    if len(named) > NAMED_MAX or any(len(name) > NAME_MAX_LENGTH for name, _rule_ in named):
        raise Invalid(
            _(
                "Write at most %(num)s classifications, each of at most %(length)s characters.",
                num=NAMED_MAX,
                length=NAME_MAX_LENGTH,
            )
        )
    if said.outside is not Rule.ALLOW and not said.ours:
        raise Invalid(
            _(
                "Say which addresses are the company's own, or every colleague's file comes from "
                "outside."
            )
        )
    return said


def _rule(text: str) -> Rule:
    try:
        return Rule(text)
    except ValueError:
        raise Invalid(_("Choose one of the four rules.")) from None


def _ours(text: str) -> tuple[str, ...]:
    entries = [entry.strip("@") for entry in text.lower().replace(",", " ").split()]
    for entry in entries:
        if len(entry) > 254 or not is_email(entry if "@" in entry else f"somebody@{entry}"):
            raise Invalid(
                _(
                    "%(entry)s is neither a domain, like company.example, nor an e-mail address.",
                    entry=entry[:80],
                )
            )
    if len(entries) > OURS_MAX:
        raise Invalid(_("Write at most %(num)s domains and addresses.", num=OURS_MAX))
    return tuple(dict.fromkeys(entries))


def change(session: Session, company: Company, rules: FileRules, *, by_id: int) -> None:
    """Keep a company's rules and note what they were; the same again is no change."""
    kept = session.get(Company, company.id, with_for_update=True, populate_existing=True)
    assert kept is not None
    before, after = FileRules.of(kept).kept(), rules.kept()
    if before == after:
        return
    kept.box_rules = after
    audit.note(
        session,
        "box.rules_changed",
        person_id=by_id,
        company_id=company.id,
        before=before,
        after=after,
    )


def changes_in_words(facts: Mapping[str, Any]) -> list[str]:
    """Return what an entry of the history changed, one sentence for each rule."""
    before, after = (dict(FileRules.from_kept(facts[key]).lines()) for key in ("before", "after"))
    empty = _("empty")
    return [
        f"{about}: {before.get(about, empty)} → {after.get(about, empty)}"
        for about in {**before, **after}
        if before.get(about) != after.get(about)
    ]


def linked_domains(session: Session, company_id: int) -> list[str]:
    """Return the domains of the Box accounts that a company's people have linked."""
    # The links live in a room above this one; their table is all that is needed here.
    links = Company.metadata.tables["box_links"]
    logins = session.scalars(
        select(links.c.box_login)
        .join(CompanyMember, CompanyMember.person_id == links.c.person_id)
        .where(CompanyMember.company_id == company_id)
    )
    domains = {login.lower().rpartition("@")[2] for login in logins}
    return sorted(domains - {""})[:DOMAINS_SHOWN]
