"""Lives in English and German, made from a seed: what people said of themselves, and questions about it.

A life tells half of the topics. Questions about the other half, and about what no life is about, have no answer.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

__all__ = ["FOREIGN", "LANGUAGES", "TOPICS", "Life", "Topic", "lives"]

LANGUAGES = ("en", "de")


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic in a language: what is said of it, two questions, and values for `{v}`."""

    said: tuple[str, str]
    asked: tuple[str, str]
    values: tuple[str, ...]


def _topic(said: tuple[str, str], asked: tuple[str, str], values: str) -> Topic:
    return Topic(said, asked, tuple(values.split("|")))


TOPICS: dict[str, tuple[Topic, ...]] = {
    "en": (
        _topic(
            ("My daughter {v} starts school in September.", "We named our daughter {v}."),
            ("What is my daughter's name?", "When does my daughter start school?"),
            "Lena|Paula|Ida|Frieda|Marta",
        ),
        _topic(
            ("I drive a {v} to work.", "My car, a {v}, is at the garage again."),
            ("Which car do I drive?", "What car is at the garage?"),
            "Volvo|Skoda|Fiat|Toyota|Mazda",
        ),
        _topic(
            ("I am allergic to {v}.", "Remember that I cannot eat {v}, I have an allergy."),
            ("What am I allergic to?", "Do I have an allergy?"),
            "walnuts|celery|shrimps|sesame|kiwi",
        ),
        _topic(
            ("My dentist is called Doctor {v}.", "I have an appointment with the dentist {v} on Friday."),
            ("Who is my dentist?", "When is my appointment at the dentist's?"),
            "Novak|Berger|Costa|Lindgren|Moreau",
        ),
        _topic(
            ("My favourite colour is {v}.", "I painted my room {v} because it is my favourite colour."),
            ("What is my favourite colour?", "Which colour did I paint my room?"),
            "green|violet|turquoise|orange|grey",
        ),
        _topic(
            ("I moved to {v} two years ago.", "Since the move I live in {v} with my family."),
            ("Where do I live?", "Which city did I move to?"),
            "Graz|Porto|Ghent|Tartu|Bergen",
        ),
        _topic(
            ("My wedding anniversary is on the {v}.", "We got married on the {v}."),
            ("When is my wedding anniversary?", "On which day did we get married?"),
            "third of May|tenth of June|first of July|ninth of August",
        ),
        _topic(
            ("I play the {v} in an orchestra.", "I practise the {v} every evening for the orchestra."),
            ("Which instrument do I play?", "What do I practise for the orchestra?"),
            "cello|oboe|trumpet|viola|flute",
        ),
        _topic(
            ("The password hint for the router is {v}.", "Our router stands in the hall; its hint is {v}."),
            ("What is the hint for the router?", "Where does the router stand?"),
            "grandma's cat|blue bicycle|first holiday|old teacher",
        ),
        _topic(
            ("My dog {v} has to see the vet every spring.", "Our dog is called {v} and is four years old."),
            ("How old is my dog?", "What is the name of my dog?"),
            "Bello|Rocky|Luna|Balu|Nelly",
        ),
        _topic(
            ("I take {v} against high blood pressure.", "The doctor prescribed {v} for my blood pressure."),
            ("Which medicine do I take?", "What did the doctor prescribe for my blood pressure?"),
            "ramipril|amlodipine|valsartan|bisoprolol",
        ),
        _topic(
            ("My boss {v} wants the report on Mondays.", "The report goes to {v}, my boss."),
            ("Who is my boss?", "When does my boss want the report?"),
            "Ms Keller|Mr Olsen|Ms Rossi|Mr Tanaka",
        ),
        _topic(
            ("I am learning {v} at the evening school.", "My evening class in {v} is on Tuesdays."),
            ("Which language am I learning?", "When is my evening class?"),
            "Portuguese|Finnish|Korean|Greek|Arabic",
        ),
        _topic(
            ("I ran the marathon in {v} in under four hours.", "My best marathon was the one in {v}."),
            ("Where did I run a marathon?", "How long did the marathon take me?"),
            "Vienna|Lisbon|Oslo|Prague|Athens",
        ),
        _topic(
            ("For breakfast I only eat {v}.", "I never leave without breakfast, mostly {v}."),
            ("What do I eat for breakfast?", "Do I have breakfast before I leave?"),
            "porridge|toast with jam|yoghurt|fruit salad|pancakes",
        ),
        _topic(
            ("My brother works as a {v} in Canada.", "I visit my brother, the {v}, every winter."),
            ("What is my brother's job?", "Where does my brother work?"),
            "carpenter|pilot|nurse|teacher|chef",
        ),
        _topic(
            ("The heating engineer comes on {v}.", "The heating is broken until the engineer comes on {v}."),
            ("When does the heating engineer come?", "What is wrong with the heating?"),
            "Monday|Wednesday|Thursday|Saturday",
        ),
        _topic(
            ("I collect {v} from all over the world.", "My collection of {v} fills a whole shelf."),
            ("What do I collect?", "What fills my shelf?"),
            "stamps|teapots|postcards|coins|vinyl records",
        ),
        _topic(
            ("My insurance number ends with {v}.", "The insurance company is Alba, number ending with {v}."),
            ("What is my insurance number?", "Which insurance company do I have?"),
            "4471|9035|2286|7710",
        ),
        _topic(
            ("We booked a holiday in {v} for August.", "Our flight for the holiday in {v} is booked."),
            ("Where do we go on holiday?", "Which flight is booked?"),
            "Sicily|Crete|Iceland|Brittany|Madeira",
        ),
    ),
    "de": (
        _topic(
            ("Meine Tochter {v} kommt im September in die Schule.", "Wir haben unsere Tochter {v} genannt."),
            ("Wie heißt meine Tochter?", "Wann kommt meine Tochter in die Schule?"),
            "Lena|Paula|Ida|Frieda|Marta",
        ),
        _topic(
            ("Ich fahre mit einem {v} zur Arbeit.", "Mein Auto, ein {v}, steht wieder in der Werkstatt."),
            ("Welches Auto fahre ich?", "Welches Auto steht in der Werkstatt?"),
            "Volvo|Skoda|Fiat|Toyota|Mazda",
        ),
        _topic(
            ("Ich bin allergisch gegen {v}.", "Merke dir, dass ich kein {v} essen darf, ich habe eine Allergie."),
            ("Wogegen bin ich allergisch?", "Habe ich eine Allergie?"),
            "Walnüsse|Sellerie|Garnelen|Sesam|Kiwi",
        ),
        _topic(
            ("Mein Zahnarzt heißt Doktor {v}.", "Ich habe am Freitag einen Termin beim Zahnarzt {v}."),
            ("Wer ist mein Zahnarzt?", "Wann ist mein Termin beim Zahnarzt?"),
            "Novak|Berger|Costa|Lindgren|Moreau",
        ),
        _topic(
            ("Meine Lieblingsfarbe ist {v}.", "Ich habe mein Zimmer {v} gestrichen, das ist meine Lieblingsfarbe."),
            ("Was ist meine Lieblingsfarbe?", "In welcher Farbe habe ich mein Zimmer gestrichen?"),
            "grün|violett|türkis|orange|grau",
        ),
        _topic(
            ("Ich bin vor zwei Jahren nach {v} gezogen.", "Seit dem Umzug wohne ich mit meiner Familie in {v}."),
            ("Wo wohne ich?", "In welche Stadt bin ich gezogen?"),
            "Graz|Porto|Gent|Tartu|Bergen",
        ),
        _topic(
            ("Mein Hochzeitstag ist am {v}.", "Wir haben am {v} geheiratet."),
            ("Wann ist mein Hochzeitstag?", "An welchem Tag haben wir geheiratet?"),
            "dritten Mai|zehnten Juni|ersten Juli|neunten August",
        ),
        _topic(
            ("Ich spiele {v} in einem Orchester.", "Ich übe jeden Abend {v} für das Orchester."),
            ("Welches Instrument spiele ich?", "Was übe ich für das Orchester?"),
            "Cello|Oboe|Trompete|Bratsche|Flöte",
        ),
        _topic(
            ("Der Hinweis für den Router lautet {v}.", "Unser Router steht im Flur, der Hinweis ist {v}."),
            ("Wie lautet der Hinweis für den Router?", "Wo steht der Router?"),
            "Omas Katze|blaues Fahrrad|erster Urlaub|alter Lehrer",
        ),
        _topic(
            ("Mein Hund {v} muss jeden Frühling zum Tierarzt.", "Unser Hund heißt {v} und ist vier Jahre alt."),
            ("Wie alt ist mein Hund?", "Wie heißt mein Hund?"),
            "Bello|Rocky|Luna|Balu|Nelly",
        ),
        _topic(
            ("Ich nehme {v} gegen hohen Blutdruck.", "Der Arzt hat mir {v} für den Blutdruck verschrieben."),
            ("Welches Medikament nehme ich?", "Was hat mir der Arzt für den Blutdruck verschrieben?"),
            "Ramipril|Amlodipin|Valsartan|Bisoprolol",
        ),
        _topic(
            ("Meine Chefin {v} will den Bericht montags.", "Der Bericht geht an {v}, meine Chefin."),
            ("Wer ist meine Chefin?", "Wann will meine Chefin den Bericht?"),
            "Frau Keller|Frau Olsen|Frau Rossi|Frau Tanaka",
        ),
        _topic(
            ("Ich lerne {v} an der Abendschule.", "Mein Abendkurs in {v} ist dienstags."),
            ("Welche Sprache lerne ich?", "Wann ist mein Abendkurs?"),
            "Portugiesisch|Finnisch|Koreanisch|Griechisch|Arabisch",
        ),
        _topic(
            ("Ich bin den Marathon in {v} in unter vier Stunden gelaufen.", "Mein bester Marathon war der in {v}."),
            ("Wo bin ich einen Marathon gelaufen?", "Wie viele Stunden brauchte ich für den Marathon?"),
            "Wien|Lissabon|Oslo|Prag|Athen",
        ),
        _topic(
            ("Zum Frühstück esse ich nur {v}.", "Ich gehe nie ohne Frühstück aus dem Haus, meistens {v}."),
            ("Was esse ich zum Frühstück?", "Gehe ich ohne Frühstück aus dem Haus?"),
            "Haferbrei|Toast mit Marmelade|Joghurt|Obstsalat|Pfannkuchen",
        ),
        _topic(
            ("Mein Bruder arbeitet als {v} in Kanada.", "Ich besuche meinen Bruder, den {v}, jeden Winter."),
            ("Was macht mein Bruder beruflich?", "Wo arbeitet mein Bruder?"),
            "Tischler|Piloten|Pfleger|Lehrer|Koch",
        ),
        _topic(
            ("Der Heizungsmonteur kommt am {v}.", "Die Heizung ist kaputt, bis der Heizungsmonteur am {v} kommt."),
            ("Wann kommt der Heizungsmonteur?", "Was ist mit der Heizung?"),
            "Montag|Mittwoch|Donnerstag|Samstag",
        ),
        _topic(
            ("Ich sammle {v} aus der ganzen Welt.", "Meine Sammlung von {v} füllt ein ganzes Regal."),
            ("Was sammle ich?", "Was füllt mein Regal?"),
            "Briefmarken|Teekannen|Postkarten|Münzen|Schallplatten",
        ),
        _topic(
            ("Meine Versicherungsnummer endet auf {v}.", "Die Versicherung ist die Alba, die Nummer endet auf {v}."),
            ("Wie ist meine Versicherungsnummer?", "Welche Versicherung habe ich?"),
            "4471|9035|2286|7710",
        ),
        _topic(
            ("Wir haben im August einen Urlaub auf {v} gebucht.", "Unser Flug für den Urlaub auf {v} ist gebucht."),
            ("Wo machen wir Urlaub?", "Welcher Flug ist gebucht?"),
            "Sizilien|Kreta|Island|Rügen|Madeira",
        ),
    ),
}
"""In the same order in each language."""

CHATTER = {
    "en": (
        "The weather was fine all week.|I slept badly last night.|The train was late again.|We had soup for dinner."
        "|I should call my mother.|The neighbours were loud.|Work was busy today.|I watched a film about the sea."
        "|There are long queues.|I need to buy milk and bread.|My back hurts from sitting.|It rained on Sunday."
        "|The meeting took three hours.|I lost my keys and found them again.|The kids next door play football."
        "|I forgot my umbrella at the office.|The lift is broken.|I read the newspaper in the park."
    ),
    "de": (
        "Das Wetter war die ganze Woche schön.|Ich habe letzte Nacht schlecht geschlafen.|Der Zug war wieder zu spät."
        "|Wir hatten Suppe zum Abendessen.|Ich sollte meine Mutter anrufen.|Die Nachbarn waren laut."
        "|Heute war viel zu tun.|Ich habe einen Film über das Meer gesehen.|Vor der neuen Bäckerei steht eine Schlange."
        "|Ich muss Milch und Brot kaufen.|Mein Rücken tut vom Sitzen weh.|Am Sonntag hat es geregnet."
        "|Die Sitzung dauerte drei Stunden.|Ich habe meine Schlüssel verloren und wiedergefunden."
        "|Die Kinder nebenan spielen Fußball.|Ich habe meinen Schirm im Büro vergessen.|Der Aufzug ist kaputt."
        "|Ich habe im Park die Zeitung gelesen."
    ),
}

FOREIGN = {
    "en": (
        "quantum chromodynamics lattice gauge",
        "How do I compile a kernel module?",
        "What is the capital of Mongolia?",
        "Which enzyme splits lactose?",
        "Explain the proof of Fermat's last theorem.",
        "What was the score of the chess final?",
        "How are semiconductors doped?",
        "Who painted the Night Watch?",
        "What is the boiling point of ethanol?",
        "Which treaty ended the Thirty Years' War?",
        "How does a transformer network attend to tokens?",
        "What is the tax rate for dividends?",
    ),
    "de": (
        "Quantenchromodynamik auf dem Gitter",
        "Wie übersetze ich ein Kernelmodul?",
        "Was ist die Hauptstadt der Mongolei?",
        "Welches Enzym spaltet Laktose?",
        "Erkläre den Beweis des letzten Satzes von Fermat.",
        "Wie ging das Finale im Schach aus?",
        "Wie werden Halbleiter dotiert?",
        "Wer malte die Nachtwache?",
        "Wo liegt der Siedepunkt von Ethanol?",
        "Welcher Vertrag beendete den Dreißigjährigen Krieg?",
        "Wie gewichtet ein Transformer die Eingaben?",
        "Wie hoch ist der Steuersatz für Dividenden?",
    ),
}


@dataclass(frozen=True, slots=True)
class Life:
    """What somebody said, and questions with the places of what answers them; none for what is not known."""

    language: str
    said: tuple[str, ...]
    questions: tuple[tuple[str, frozenset[int]], ...]


def lives(count: int, seed: int, topics: tuple[int, ...] = tuple(range(20))) -> list[Life]:
    """Lives in both languages in turn, about half of some topics each."""
    return [_life(random.Random(seed * 1000 + number), LANGUAGES[number % 2], topics) for number in range(count)]


def _life(chance: random.Random, language: str, topics: tuple[int, ...]) -> Life:
    told = set(chance.sample(topics, len(topics) // 2))
    texts: list[tuple[int, str]] = [(-1, text) for text in CHATTER[language].split("|")]
    for number in told:
        topic = TOPICS[language][number]
        value = chance.choice(topic.values)
        texts += [(number, said.format(v=value)) for said in topic.said]
    chance.shuffle(texts)
    questions: list[tuple[str, frozenset[int]]] = [(text, frozenset()) for text in FOREIGN[language]]
    for number in topics:
        evidence = frozenset(place for place, (about, _) in enumerate(texts) if about == number)
        questions += [(text, evidence) for text in TOPICS[language][number].asked]
    return Life(language, tuple(text for _, text in texts), tuple(questions))
