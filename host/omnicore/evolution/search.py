"""The search itself: which candidate gets a child, how the child is made, and which candidates stay in the archive.

It is a pure function of the order and of the candidates so far: the same seed gives the same search, and one that was
interrupted goes on from its rows as if it had not been.

Sources: AFlow (arXiv 2410.10762), tree search over workflows; UCB1 (Auer et al. 2002); MAP-Elites (arXiv 1504.04909);
Optuna's tree-structured Parzen estimator.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from omnicore.errors import InvalidInput
from omnicore.evolution.architecture import DRAWN, EvolutionOrder, Knob, document_with, score, tasks_of
from omnicore.evolution.jq_evaluation import NotModelled, evaluated, key_of
from omnicore.evolution.jq_programs import (
    Term,
    Vocabulary,
    mutated,
    read_program,
    reduced,
    size,
    vocabulary,
    write_program,
)
from omnicore.evolution.js_programs import mutated_script, shorter_scripts
from omnicore.evolution.reflection import LARGEST_QUESTION
from omnicore.evolution.synthesis import synthesised
from omnicore.records import replace
from omnicore.storage.tables.evolution import Edit, EvolutionCandidate, Genes

_POOL = 200
_TRIES = 30
_GREEDY, _NICHE = 0.75, 0.05
_EXPLORE = 0.15
_LARGEST = 60
_MOST_EDITS = 12
_MOST_TRIALS = 500
_MOST_ALIKE = 4
"""Programs that are put together from the examples and get all of them right, of which the cases held out choose."""
_LITTER = 12
MODEL = "model"
"""The proposer that is asked over a connector."""
_MOST_IN_VAIN = 3
_POPULATION = 16
_BATCH, _CLIP, _RATE, _LEAST_SHARE = 8, 0.2, 0.02, 0.05
_MOST_ROWS = 40

Examples = Mapping[str, Sequence[tuple[Any, Any]]]
"""For knobs with a program: pairs of what it takes and what it is to give, of the cases for training."""


@dataclass(slots=True)
class _Tally:
    """The children of a candidate, or of a proposer, and how far they came."""

    tried: int = 0
    won: int = 0
    best: float = 0.0


@dataclass(slots=True)
class ProposerPolicy:
    """Shares of the proposers, learned from what their children gained over their parents.

    A softmax over proposers, whose logits climb PPO's clipped objective after each eight children; the shares before
    are the old policy. Source: Schulman et al., arXiv 1707.06347, equation 7.
    """

    logits: dict[str, float] = field(default_factory=dict)
    batch: list[tuple[str, float]] = field(default_factory=list)

    def learn(self, proposer: str, gain: float, steps: int) -> None:
        """Takes what a child gained up; after eight of them climbs by so many steps."""
        self.logits.setdefault(proposer, 0.0)
        self.batch.append((proposer, gain))
        if steps and len(self.batch) >= _BATCH:
            self._climb(steps)
        del self.batch[: _BATCH if len(self.batch) >= _BATCH else 0]

    def shares(self, names: Sequence[str]) -> list[float]:
        """The share of each proposer, never nothing."""
        return [max(_LEAST_SHARE, one) for one in self._softmax([self.logits.get(name, 0.0) for name in names])]

    def _climb(self, steps: int) -> None:
        names = list(self.logits)
        mean = sum(gain for _, gain in self.batch) / len(self.batch)
        spread = math.sqrt(sum((gain - mean) ** 2 for _, gain in self.batch) / len(self.batch)) or 1.0
        worth = {name: sum((gain - mean) / spread for one, gain in self.batch if one == name) for name in names}
        old = self._softmax(list(self.logits.values()))
        for _ in range(steps):
            now = self._softmax(list(self.logits.values()))
            slopes = []
            for name, new, before in zip(names, now, old, strict=True):
                ratio = new / before
                clipped = ratio > 1 + _CLIP if worth[name] > 0 else ratio < 1 - _CLIP
                slopes.append(0.0 if clipped else ratio * worth[name])
            total = sum(slopes)
            for name, slope, new in zip(names, slopes, now, strict=True):
                self.logits[name] += _RATE * (slope - new * total)

    @staticmethod
    def _softmax(logits: Sequence[float]) -> list[float]:
        most = max(logits)
        found = [math.exp(one - most) for one in logits]
        return [one / sum(found) for one in found]


@dataclass(slots=True)
class Search:
    """The state of a search, made from its candidates by `add` in their order."""

    order: EvolutionOrder
    document: Mapping[str, Any]
    first: Genes
    examples: Examples = field(default_factory=dict)
    archive: list[EvolutionCandidate] = field(default_factory=list)
    """The Pareto front: none of them is matched by another that costs less, or is cheaper and as good."""
    niches: dict[str, EvolutionCandidate] = field(default_factory=dict)
    """The best candidate of each shape of graph and size of programs."""
    count: int = 0
    _pool: dict[int, EvolutionCandidate] = field(default_factory=dict)
    _below: dict[int, _Tally] = field(default_factory=dict)
    _proposers: dict[str, _Tally] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)
    _trials: list[tuple[Mapping[str, Any], list[float]]] = field(default_factory=list)
    _tokens: int = 0
    _in_vain: int = 0
    _policy: ProposerPolicy = field(default_factory=ProposerPolicy)
    _words: Vocabulary | None = None
    _found: list[Genes] | None = None
    _behaved: set[str] = field(default_factory=set)

    def add(self, one: EvolutionCandidate) -> None:
        """Takes a candidate up that is judged, dropped or dead."""
        self.count += 1
        self._seen.add(genes_key(one.genes))
        above, proposer = self._pool.get(one.parent), self._proposers.setdefault(one.proposer, _Tally())
        proposer.tried += 1
        if one.proposer == MODEL:
            self._tokens += one.tokens
            self._in_vain = self._in_vain + 1 if one.state == "dead" else 0
        if above is not None:
            below = self._below.setdefault(one.parent, _Tally())
            below.tried, below.best = below.tried + 1, max(below.best, one.fitness)
            proposer.won += one.state == "judged" and one.fitness > above.fitness
            self._policy.learn(one.proposer, one.fitness - above.fitness, self.order.policy_steps)
        if one.proposer == MODEL and one.state == "dead":  # its values are its parent's
            return
        if not self._frugal:
            self._trials.append((one.genes.values, [one.fitness]))
        elif one.state != "dead":  # which costs nothing, and is not cheap
            self._trials.append((one.genes.values, [one.fitness, one.cost]))
        del self._trials[:-_MOST_TRIALS]
        if one.state == "judged":
            self._keep(one)

    def propose(self, optuna: Any) -> tuple[Genes, int, str] | None:
        """The genes of the next candidate, its parent and its proposer; None when nothing new was found.

        Once a candidate gets every case right, the search only tries what is left when a part of it is taken out,
        unless cost is an objective. Where the proposer is `MODEL`, the genes are the parent's, to be asked about.

        Args: optuna: the package, where a knob is a number or a choice; else None.
        """
        for put in self._synthesised():
            if genes_key(put) not in self._seen:
                return put, 0, "examples"
        best = self.best()
        if best is not None and best.quality == 1.0 and best.number and not self._frugal:
            found = next((one for one in self._simpler(best.genes) if genes_key(one) not in self._seen), None)
            return None if found is None else (found, best.number, "simplify")
        chance = Random(f"{self.order.seed}:{self.count}")  # noqa: S311  # the same search for the same seed
        ways = self._ways()
        for _ in range(_TRIES if ways else 0):  # none: only a model proposes, and may not be asked again
            parent = self._parent(chance)
            way = self._way(ways, chance)
            if way == MODEL:
                return parent.genes, parent.number, way
            genes = ways[way](parent, chance, optuna)
            if genes is not None and genes_key(genes) not in self._seen:
                return genes, parent.number, way
        return None

    def best(self) -> EvolutionCandidate | None:
        """The candidate to be proposed: of the best on the cases for training the cheapest, then the smallest."""
        return max(self._pool.values(), key=_rank, default=None)

    def finalists(self, most: int) -> list[EvolutionCandidate]:
        """Candidates to be judged on the cases held out, the best first, without the seed."""
        ranked = sorted((one for one in self._pool.values() if one.number), key=_rank, reverse=True)
        return ranked[:most]

    def candidate(self, number: int) -> EvolutionCandidate:
        """A candidate that may be a parent."""
        found = self._pool.get(number)
        return found or next(one for one in self.niches.values() if one.number == number)

    def seen(self, genes: Genes) -> bool:
        """True if a candidate has these genes."""
        return genes_key(genes) in self._seen

    # -- inner parts

    @property
    def _frugal(self) -> bool:
        return "cost" in self.order.objectives

    def _may_ask(self) -> bool:
        """True while the model may be asked: often enough, for tokens enough, and not in vain again and again."""
        model = self.order.model
        if model is None or self._in_vain >= _MOST_IN_VAIN:
            return False
        asked = self._proposers.get(MODEL, _Tally()).tried
        return asked < model.calls and self._tokens + LARGEST_QUESTION + model.answer_tokens <= model.tokens

    def _synthesised(self) -> list[Genes]:
        """Candidates whose programs are put together from the examples; the same each time."""
        if self._found is None:
            programs: dict[str, list[str]] = {}
            for name, pairs in self.examples.items():
                made = synthesised(read_program(self.first.values[name]), pairs)[:_MOST_ALIKE]
                programs[name] = [write_program(one) for one in made]
            found = []
            for at in range(_MOST_ALIKE):
                values = {name: texts[min(at, len(texts) - 1)] for name, texts in programs.items() if texts}
                found.append(replace(self.first, values={**self.first.values, **values}))
            self._found = found if programs else []
        return self._found

    def _keep(self, one: EvolutionCandidate) -> None:
        self._pool[one.number] = one
        if len(self._pool) > _POOL:
            worst = min((found for found in self._pool.values() if found.number), key=_rank)
            del self._pool[worst.number]
        if not any(_matches(other, one) for other in self.archive):
            self.archive = [other for other in self.archive if not _matches(one, other)] + [one]
        niche = niche_of(one.genes)
        if niche not in self.niches or _rank(one) > _rank(self.niches[niche]):
            self.niches[niche] = one

    def _parent(self, chance: Random) -> EvolutionCandidate:
        """Mostly the best candidate so far; else the most promising one by UCB1, or the best of a niche."""
        drawn = chance.random()
        if drawn < _GREEDY:
            return max(self._pool.values(), key=_rank)
        if drawn < _GREEDY + _NICHE:
            return self.niches[chance.choice(sorted(self.niches))]
        total = math.log(self.count + 1)

        def worth(one: EvolutionCandidate) -> tuple[float, int]:
            below = self._below.get(one.number, _Tally())
            explored = _EXPLORE * math.sqrt(total / (1 + below.tried))
            return max(one.fitness, below.best) - 0.0005 * _weight(one.genes) + explored, -one.number

        return max(self._pool.values(), key=worth)

    def _simpler(self, genes: Genes) -> Iterator[Genes]:
        """The same with one edit or one part of a program less, the shortest first."""
        for at in range(len(genes.edits)):
            edits = (*genes.edits[:at], *genes.edits[at + 1 :])
            if self._fits(one := replace(genes, edits=edits)):
                yield one
        for knob in self.order.knobs:
            if knob.kind == "jq":
                whole = read_program(genes.values[knob.name])
                texts = sorted(map(write_program, set(reduced(whole))), key=lambda text: (len(text), text))
                for text in texts:
                    yield replace(genes, values={**genes.values, knob.name: text})
            elif knob.kind == "javascript":
                for text in shorter_scripts(genes.values[knob.name]):
                    yield replace(genes, values={**genes.values, knob.name: text})

    def _fits(self, genes: Genes) -> bool:
        """True if each edit has a task to change."""
        try:
            document_with(self.order, self.document, genes)
        except InvalidInput:
            return False
        return True

    def _ways(self) -> dict[str, Callable[[EvolutionCandidate, Random, Any], Genes | None]]:
        kinds = {one.kind for one in self.order.knobs}
        found: dict[str, Callable[[EvolutionCandidate, Random, Any], Genes | None]] = {}
        if kinds & DRAWN:
            found["values"] = self._values
        if "jq" in kinds:
            found["jq"] = self._programs
        if "javascript" in kinds:
            found["javascript"] = self._scripts
        if self.order.edits:
            found["graph"] = self._graph
        if self._may_ask():
            found[MODEL] = lambda parent, chance, optuna: parent.genes
        return found

    def _way(self, ways: Iterable[str], chance: Random) -> str:
        """A proposer, more often one whose children enter the archive."""
        names = list(ways)
        if self.order.policy_steps:
            return chance.choices(names, self._policy.shares(names))[0]
        tallies = [self._proposers.get(name, _Tally()) for name in names]
        return chance.choices(names, [(one.won + 1) / (one.tried + 2) + 0.05 for one in tallies])[0]

    def _values(self, parent: EvolutionCandidate, chance: Random, optuna: Any) -> Genes | None:
        knobs = [one for one in self.order.knobs if one.kind in DRAWN]
        spaces = {one.name: _space(one, optuna) for one in knobs}
        study, about = self._study(optuna, chance.randrange(2**32))
        for values, fitness in self._trials:
            try:
                given = {one.name: _index(one, values[one.name]) for one in knobs}
                found = optuna.trial.create_trial(
                    params=given, distributions=spaces, values=fitness, system_attrs=about(len(study.trials))
                )
                study.add_trial(found)
            except ValueError:  # the seed may lie outside of what the owner lists
                continue
        asked = study.ask(spaces).params
        drawn = {one.name: one.values[asked[one.name]] if one.kind == "choice" else asked[one.name] for one in knobs}
        return replace(parent.genes, values={**parent.genes.values, **drawn})

    def _study(self, optuna: Any, seed: int) -> tuple[Any, Callable[[int], dict[str, Any]]]:
        """A study of the objectives, and what its sampler notes about a trial by its number."""
        samplers, directions = optuna.samplers, ["maximize", "minimize"][: len(self.order.objectives)]
        if self.order.sampler == "tpe":
            return optuna.create_study(
                directions=directions, sampler=samplers.TPESampler(seed=seed, n_startup_trials=8)
            ), lambda _: {}
        sampler = samplers.NSGAIISampler(seed=seed, population_size=_POPULATION)
        key = sampler._get_generation_key()  # by which it finds the parents of a generation
        return optuna.create_study(directions=directions, sampler=sampler), lambda at: {key: at // _POPULATION}

    def _programs(self, parent: EvolutionCandidate, chance: Random, _: Any) -> Genes | None:
        knob = chance.choice([one for one in self.order.knobs if one.kind == "jq"])
        program = read_program(parent.genes.values[knob.name])
        others = [read_program(one.genes.values[knob.name]) for one in self.archive]

        def child() -> Term:
            made = program
            for _step in range(chance.choice((1, 1, 1, 1, 2))):
                made = mutated(made, chance, self._vocabulary(), others=others)
            return made

        pairs = self.examples.get(knob.name)
        made = child() if pairs is None else self._likeliest([child() for _ in range(_LITTER)], pairs[:_MOST_ROWS])
        if size(made) > _LARGEST:
            return None
        return replace(parent.genes, values={**parent.genes.values, knob.name: write_program(made)})

    def _scripts(self, parent: EvolutionCandidate, chance: Random, _: Any) -> Genes | None:
        knob = chance.choice([one for one in self.order.knobs if one.kind == "javascript"])
        others = [one.genes.values[knob.name] for one in self.archive]
        made: str | None = parent.genes.values[knob.name]
        for _step in range(chance.choice((1, 1, 1, 2))):
            made = mutated_script(made, chance, self._vocabulary(), others=others) if made is not None else None
        return None if made is None else replace(parent.genes, values={**parent.genes.values, knob.name: made})

    def _vocabulary(self) -> Vocabulary:
        if self._words is None:
            # What is expected is the searcher's to see, not the candidate's: it never stands in an input.
            self._words = vocabulary([[one.input, one.expect] for one in self.order.cases[:50]])
        return self._words

    def _likeliest(self, litter: Sequence[Term], pairs: Sequence[tuple[Any, Any]]) -> Term:
        """The child that comes closest to the examples, and behaves as none before it, where there is one."""
        best: tuple[float, Term, str] | None = None
        for one in dict.fromkeys(litter):
            given = []
            for value, _ in pairs:
                try:
                    given.append(evaluated(one, value))
                except NotModelled:
                    given.append(None)
            key = key_of(given)
            if key in self._behaved or size(one) > _LARGEST:
                continue
            judge = self.order.judge
            worth = sum(score(judge, want, got) for got, (_, want) in zip(given, pairs, strict=True))
            if best is None or worth > best[0]:
                best = (worth, one, key)
        if best is None:
            return litter[0]
        self._behaved.add(best[2])
        return best[1]

    def _graph(self, parent: EvolutionCandidate, chance: Random, _: Any) -> Genes | None:
        edits = list(parent.genes.edits)
        if edits and chance.random() < 0.3:
            del edits[chance.randrange(len(edits))]
        else:
            places = tasks_of(document_with(self.order, self.document, parent.genes))
            edits.append(Edit(chance.choice(list(self.order.edits)), chance.choice(places)))
        genes = replace(parent.genes, edits=tuple(edits))
        return genes if len(edits) <= _MOST_EDITS and self._fits(genes) else None


def genes_key(genes: Genes) -> str:
    """The same text for the same genes."""
    return json.dumps([genes.values, [[one.kind, one.at] for one in genes.edits]], sort_keys=True)


def niche_of(genes: Genes) -> str:
    """The shape of a candidate: its kinds of edits, and the size of its programs."""
    return f"{'+'.join(sorted({one.kind for one in genes.edits})) or 'seed'}/{_weight(genes) // 40}"


def _weight(genes: Genes) -> int:
    """The length of its texts, and ten for each edit."""
    return sum(len(one) for one in genes.values.values() if isinstance(one, str)) + 10 * len(genes.edits)


def _rank(one: EvolutionCandidate) -> tuple[float, float, float, int, int]:
    return one.quality, one.fitness, -one.cost, -_weight(one.genes), -one.number


def _matches(one: EvolutionCandidate, other: EvolutionCandidate) -> bool:
    """True if one is as good as the other in both respects, and better in one or older."""
    if one.fitness < other.fitness or one.cost > other.cost:
        return False
    return (one.fitness, -one.cost, -one.number) > (other.fitness, -other.cost, -other.number)


def _space(knob: Knob, optuna: Any) -> Any:
    kinds = optuna.distributions
    if knob.kind == "choice":
        return kinds.CategoricalDistribution(range(len(knob.values)))
    if knob.kind == "int":
        return kinds.IntDistribution(math.ceil(knob.least or 0), math.floor(knob.most or 0))
    return kinds.FloatDistribution(knob.least, knob.most)


def _index(knob: Knob, value: Any) -> Any:
    """The value of a knob as Optuna knows it. Raises: ValueError: the knob does not list it."""
    return list(knob.values).index(value) if knob.kind == "choice" else value


def judged(scores: Sequence[float]) -> tuple[float, float]:
    """Quality, the part of the cases that is right, and fitness, the mean of all scores."""
    return sum(one == 1.0 for one in scores) / len(scores), sum(scores) / len(scores)
