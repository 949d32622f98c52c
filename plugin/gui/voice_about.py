"""What is said below the list of voices about the one that is chosen: what it needs first, and what it makes of the language."""

from __future__ import annotations

from ..engine.install_plan import size_words
from ..errors import warning_sentence
from ..languages import base_language
from ..resources import Resources
from ..speaking import voices
from ..speaking.espeak_languages import unread
from ..wording import translate as _
from .clone.abilities import Base, not_over
from .clone.abilities import get as clone_of
from .language_names import short_name
from .voice_offers import Offer, Offers


def about(offer: Offer, offers: Offers, base: Base | None, resources: Resources, used: bool = True) -> str:
    """Empty where there is nothing to say. base: over which a clone speaks, if over any. used: is it to read a book? Else “Convert” downloads nothing."""
    if offer.clone:
        return offer.reason if base is None else _about_clone(offer, base, offers.language, resources, used)
    if not offer.here:
        text = _("This voice is not on this computer yet. “Get” or “Play” downloads it now ({size}), else “Convert” does. {licence}")
        if not used:
            text = _("This voice is not on this computer yet, and no ticked book is read by it. “Play” downloads it ({size}). {licence}")
        return "" if offers.beside(offer.id) else text.format(size=size_words(offer.size_bytes / 1e6), licence=offer.licence)
    if offer.mechanical:
        return _about_espeak(offers)
    may = "" if offers.beside(offer.id) else offer.may
    if not offer.fits and offer.language:
        params = {"voice": offer.name, "voice_language": short_name(offer.language), "language": short_name(offers.language)}
        return f"{warning_sentence('voice_language', params)} {may}".strip()
    return may


def alone(offers: Offers) -> bool:
    """Is there, but for espeak and clones, no voice that speaks the language?"""
    return not any(offer.fits and not offer.mechanical and not offer.clone for offer in offers.voices)


def _about_espeak(offers: Offers) -> str:
    language, why = base_language(offers.language), unread(offers.language)
    if not why:
        return _("It reads {language} and sounds mechanical.").format(language=short_name(language))
    nobody = _("No voice here reads {language}.").format(language=short_name(language)) if alone(offers) else ""
    return f"{nobody} {warning_sentence(why, {'language': language})}".strip()


def _about_clone(offer: Offer, base: Base, language: str, resources: Resources, used: bool) -> str:
    parts, clone = base.parts, clone_of(offer.id)
    may = "" if clone is None else voices.clone_may(clone.converter, base.voice, resources)
    if not parts or clone is None:
        return f"{may} {not_over(language or 'en', resources)}".strip()
    names, licences = ", ".join(part.name for part in parts), voices.clone_terms(clone.converter, base.voice, resources)
    text = _("For this clone still to be downloaded: {names}. “Get” or “Play” does it now ({size}), else “Convert” does. {licence}")
    if not used:
        text = _("No ticked book is read by this clone. What it lacks: {names}. “Play” downloads it ({size}). {licence}")
    return text.format(names=names, size=size_words(base.size_bytes / 1e6), licence=licences)
