"""What the people of the evaluation talk about: statements, questions in the same words, questions in others."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ANSWERS", "CHATTER", "FAMILIES", "NAMES", "Family"]


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of fact. `asked` is what the other asks so that the answer alone says little; `more` follows it."""

    said: tuple[str, ...]
    asked: str
    direct: str
    other: str
    values: tuple[str, ...]
    more: tuple[str, str]


NAMES = (
    *("Ana", "Boris", "Chiara", "Deniz", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Katja", "Liam"),
    *("Mira", "Nadia", "Oskar", "Petra", "Quentin", "Rosa", "Samir", "Tilda"),
)

FAMILIES = (
    Family(
        ("I adopted a {v} from the shelter.", "There is a {v} living with us now, we got it last month."),
        "Which animal did you bring home in the end?",
        "What animal did {n} adopt?",
        "Which pet does {n} have?",
        ("greyhound", "tabby kitten", "cockatiel", "tortoise", "hedgehog", "beagle puppy", "rabbit", "ferret"),
        ("The vet says the animal is healthy and eats well.", "It sleeps on the sofa and hides from visitors."),
    ),
    Family(
        ("I signed up for a {v} class.", "I started {v} lessons and I am terrible at it."),
        "So which course did you pick?",
        "Which class did {n} sign up for?",
        "What new hobby is {n} learning?",
        ("pottery", "salsa", "archery", "calligraphy", "woodcarving", "fencing", "glassblowing", "tap dancing"),
        (
            "The teacher is patient and the group is friendly.",
            "I practise the moves at home until late, learning is fun.",
        ),
    ),
    Family(
        ("We are moving to {v} in the autumn.", "The lease is signed, our new flat is in {v}."),
        "Did you decide where you will move?",
        "Where is {n} moving to?",
        "In which town will {n} live after relocating?",
        ("Ljubljana", "Porto", "Tromso", "Graz", "Ghent", "Tartu", "Bilbao", "Split"),
        (
            "We still have to pack boxes and find a school there.",
            "The rents in that town are lower and the river is close.",
        ),
    ),
    Family(
        ("The doctor says I am allergic to {v}.", "I broke out in a rash again, it was the {v}."),
        "What did the test at the clinic show?",
        "What is {n} allergic to?",
        "Which food must {n} avoid for health reasons?",
        ("walnuts", "shellfish", "sesame", "strawberries", "celery", "lupin", "mustard", "kiwi"),
        (
            "Now I read every label in the supermarket before I eat.",
            "I carry pills with me in case I swallow some by accident.",
        ),
    ),
    Family(
        ("I got the job as a {v}!", "They hired me, I begin as a {v} on Monday."),
        "What is the position called?",
        "Which job did {n} get?",
        "What does {n} do for a living now?",
        ("park ranger", "paralegal", "sound engineer", "midwife", "surveyor", "pastry chef", "tram driver", "curator"),
        ("The salary is better and the colleagues seem kind.", "The boss wants me to train for six weeks first."),
    ),
    Family(
        ("My sister is called {v}, you would like her.", "My sister {v} came to visit for the weekend."),
        "What was your sister's name again?",
        "What is the name of {n}'s sister?",
        "Who is {n}'s sibling?",
        ("Philippa", "Dorothea", "Wilhelmina", "Yolanda", "Seraphina", "Henrietta", "Ottilie", "Marguerite"),
        ("We grew up sharing a room, she is two years older.", "My parents always say we look alike, she and I."),
    ),
    Family(
        ("I have been reading {v} every night.", "I could not put {v} down, what a novel."),
        "Which book kept you awake?",
        "Which book is {n} reading?",
        "What literature has {n} enjoyed lately?",
        (
            *("The Magic Mountain", "Middlemarch", "Pale Fire", "The Leopard", "Solaris", "Stoner"),
            *("Invisible Cities", "The Makioka Sisters"),
        ),
        ("The author describes every character so well.", "I am on the last chapter and do not want the story to end."),
    ),
    Family(
        ("I crashed my {v} into a lamp post.", "The mechanic cannot save my {v}."),
        "What happened to your vehicle, and which one was it?",
        "What did {n} crash?",
        "Which means of transport did {n} wreck?",
        ("moped", "camper van", "cargo bike", "hatchback", "pickup", "scooter", "tandem", "convertible"),
        (
            "The insurance will pay for half of the repair.",
            "Nobody was hurt, but the police wrote a report of the accident.",
        ),
    ),
    Family(
        ("I baked {v} for the whole street.", "My {v} won the second prize at the fair."),
        "What did you make for the party?",
        "What did {n} bake?",
        "Which dessert did {n} prepare?",
        (
            *("rhubarb crumble", "baklava", "lemon tart", "cardamom buns", "cherry strudel", "carrot cake"),
            *("pumpkin pie", "almond cookies"),
        ),
        ("The secret is fresh butter and a hot oven.", "The recipe is my aunt's, everyone wanted another slice."),
    ),
    Family(
        ("I planted {v} along the fence.", "The {v} in my garden finally came up."),
        "What grows behind your house now?",
        "What did {n} plant?",
        "Which crops or flowers is {n} growing?",
        ("sunflowers", "artichokes", "lavender", "peonies", "zucchini", "hollyhocks", "leeks", "dahlias"),
        (
            "The soil is full of stones and the slugs are hungry.",
            "I water the beds each evening and they bloom already.",
        ),
    ),
    Family(
        ("I ran the {v} and my knees hurt.", "I finished the {v} in the rain, last but one."),
        "Which race was it?",
        "Which race did {n} run?",
        "In what sports event did {n} take part?",
        (
            *("half marathon", "night relay", "hill sprint", "harbour ten miler", "colour run", "stair race"),
            *("beach triathlon", "forest ultra"),
        ),
        (
            "My time was bad but the crowd cheered at the finish line.",
            "I trained for it since spring with new running shoes.",
        ),
    ),
    Family(
        ("I play the {v} in a small band.", "I bought a second-hand {v} and practise daily."),
        "Which one do you play?",
        "Which instrument does {n} play?",
        "How does {n} make music?",
        ("bassoon", "mandolin", "accordion", "cello", "clarinet", "banjo", "harp", "trombone"),
        (
            "We rehearse in a garage and have a concert in spring.",
            "My fingers hurt from the exercises, but the melody comes.",
        ),
    ),
    Family(
        ("We spent our holiday in {v}.", "{v} was wonderful, I took eight hundred photos."),
        "Where have you been all those weeks?",
        "Where did {n} spend the holiday?",
        "Which place did {n} travel to on vacation?",
        ("Patagonia", "Sardinia", "the Hebrides", "Hokkaido", "Lapland", "Oaxaca", "the Dolomites", "Zanzibar"),
        (
            "The hotel was by the sea and the food was splendid.",
            "We took a guide and walked for days, the flight was long.",
        ),
    ),
    Family(
        ("I am saving up for a {v}.", "One day I will own a {v}, I put money aside each month."),
        "What is all that money for?",
        "What is {n} saving up for?",
        "Which big purchase does {n} plan?",
        ("telescope", "sailing boat", "kiln", "grand piano", "drone", "sauna", "loom", "greenhouse"),
        ("I have about half of the price in the bank by now.", "My husband thinks it is too expensive for us."),
    ),
    Family(
        ("I volunteer at the {v} on Thursdays.", "They gave me a key, I help out at the {v} every week now."),
        "Where do you help out?",
        "Where does {n} volunteer?",
        "Which charity work does {n} do?",
        (
            *("soup kitchen", "bird hospital", "repair cafe", "night shelter", "toy library", "fire brigade"),
            *("hospice", "crisis hotline"),
        ),
        ("The people there are so grateful for every hand.", "We sort donations and talk to those who come in need."),
    ),
    Family(
        ("My grandfather left me his {v}.", "I inherited the old {v} and do not know where to put it."),
        "What was in the box from your grandfather?",
        "What did {n} inherit?",
        "Which heirloom came to {n}?",
        ("barometer", "stamp collection", "typewriter", "pocket watch", "gramophone", "chess set", "anvil", "sextant"),
        ("It has been in the family for a hundred years.", "I cleaned the dust off and it still works."),
    ),
    Family(
        ("I am afraid of {v}, always was.", "I froze on the spot, you know how I am about {v}."),
        "What frightened you so much?",
        "What is {n} afraid of?",
        "Which phobia does {n} have?",
        ("spiders", "lifts", "thunder", "geese", "heights", "needles", "moths", "deep water"),
        ("My heart was pounding and I could not move.", "The therapist says I should face it step by step."),
    ),
    Family(
        ("I painted the kitchen {v}.", "The whole room is {v} now, the landlord will faint."),
        "Which colour did you choose?",
        "What colour did {n} paint the kitchen?",
        "How does the place where {n} cooks look now?",
        ("turquoise", "mustard yellow", "aubergine", "mint green", "terracotta", "coral", "navy blue", "lilac"),
        ("It took two coats and my arms are sore.", "The cupboards look different beside the new walls."),
    ),
    Family(
        ("I quit {v} on New Year's Day.", "It is a hundred days without {v} for me."),
        "Which habit did you give up?",
        "What did {n} quit?",
        "Which vice has {n} left behind?",
        ("smoking", "sugar", "online poker", "energy drinks", "doomscrolling", "coffee", "biting my nails", "crisps"),
        ("The first weeks were awful, I was so irritable.", "My wife is proud of me that I hold out."),
    ),
    Family(
        ("Our team at work builds {v}.", "At the office it is all about {v} these days."),
        "What does your team make, actually?",
        "What does {n}'s team build?",
        "Which product is {n}'s company developing?",
        (
            *("ticket machines", "hearing aids", "flood sensors", "tax software", "solar ovens", "bike locks"),
            *("map tiles", "ventilators"),
        ),
        ("The prototype failed the test, so we redesign it.", "Our customers are hospitals and towns, mostly."),
    ),
)

ANSWERS = ("{v}!", "It was {v}.", "{v}, believe it or not.", "Well, {v}, after all.")

CHATTER = (
    *(
        "How was your week?",
        "It rained all day here.",
        "I slept badly, the neighbours had a party.",
        "That is so funny.",
    ),
    *("I have to call my mother later.", "Did you see the match last night?", "The bus was late again this morning."),
    *("I am so glad to hear that.", "Let us have lunch on Friday.", "You always say that.", "Tell me more about it."),
    *("I need a new phone, mine is dying.", "The traffic near the bridge is a mess.", "Work keeps me busy, as ever."),
    *("I watched a film about the sea, it was slow.", "Wow, good for you!", "I cannot believe it is November already."),
    *(
        "My back hurts from sitting so long.",
        "We should go hiking when the weather is better.",
        "Do you want some tea?",
    ),
    *("The meeting took three hours.", "I forgot my umbrella at the office.", "That sounds exciting, keep me posted."),
    *("I had soup for dinner, nothing special.", "My laptop froze twice today.", "The kids next door learn the drums."),
    *(
        "Thank you for listening, it helps.",
        "I will think about it.",
        "What a coincidence!",
        "See you soon, take care.",
    ),
    *(
        "The new bakery has long queues.",
        "I took the stairs, the lift was broken.",
        "I lost my keys and found them again.",
    ),
)
