"""Translate short sentences, as lecture 19 asks: ``make record TABLES=translation``.

English to French, 20,000 pairs of at most seven words for training. No English sentence of the test
occurs in training, and each is scored against all French translations that the collection has of
it. Two nets of the same number of parameters: an encoder and a decoder joined by one vector, and
the same with additive attention. The baseline needs no net: it finds the training sentence that is
most alike and copies its translation. Words that are rare in
the training pairs become one unknown word; the references keep theirs. No choice was made on the
test sentences. The table is written after each seed, so that a run that is cut short leaves the
seeds it has finished.
"""

import os
import re
import unicodedata
from collections import Counter
from time import process_time

import numpy as np
import sacrebleu
import torch
from table import summary, write_table
from torch import nn
from tqdm import tqdm

from rnncore.data import load_pairs

SEEDS = range(5)
WORDS, TRAIN, TEST, RARE = 7, 20_000, 500, 3
BATCH, EPOCHS, RATE, HIDDEN, EMBED, BEAM = 64, 5, 0.003, 128, 96, 5
PAD, UNKNOWN, START, END = range(4)
SETTINGS = {
    "one vector": {},
    "additive attention": {"attends": True},
}
HEAD = ["translator", "parameters", "BLEU, greedy", f"BLEU, beam of {BEAM}", "CPU seconds a run"]


def words(sentence):
    """Lower-case words and marks; an apostrophe stays with the word before it."""
    plain = unicodedata.normalize("NFC", sentence.lower()).replace("’", "'")
    return re.findall(r"\w+'?|[^\w\s]", plain)


def text(tokens):
    """Words as one line again."""
    return " ".join(tokens).replace("' ", "'")


def load():
    """Training pairs and, with all their translations, the test sentences; both as words."""
    found = {}
    for english, french in load_pairs():
        pair = words(english), words(french)
        if max(map(len, pair)) <= WORDS + 1:
            found.setdefault(tuple(pair[0]), []).append(pair[1])
    sentences = [list(found)[i] for i in np.random.default_rng(0).permutation(len(found))]
    test = [(list(s), found[s]) for s in sentences[:TEST]]
    train = [(list(s), french) for s in sentences[TEST:] for french in found[s]]
    return train[:TRAIN], test


class Words:
    """Words and their numbers; a rare word is the unknown one."""

    def __init__(self, sentences):
        counts = Counter(word for sentence in sentences for word in sentence)
        self.words = ["", "?", "<", ">"] + sorted(w for w, n in counts.items() if n >= RARE)
        self.number = {word: k for k, word in enumerate(self.words) if k > END}

    def encode(self, sentences):
        """Numbers (B, T), each row closed by the end sign and filled with padding."""
        rows = [[self.number.get(word, UNKNOWN) for word in s] + [END] for s in sentences]
        longest = max(map(len, rows))
        return torch.tensor([row + [PAD] * (longest - len(row)) for row in rows])

    def decode(self, numbers):
        """Words up to the end sign."""
        numbers = [int(k) for k in numbers]
        stop = numbers.index(END) if END in numbers else len(numbers)
        return [self.words[k] for k in numbers[:stop] if k > START]


class Translator(nn.Module):
    """GRU encoder and GRU decoder, joined by the last state or also by attention."""

    def __init__(self, source, target, hidden, attends=False):
        super().__init__()
        context = hidden * attends
        self.read = nn.Embedding(source, EMBED, padding_idx=PAD)
        self.fed = nn.Embedding(target, EMBED, padding_idx=PAD)
        self.encoder = nn.GRU(EMBED, hidden, batch_first=True)
        self.decoder = nn.GRU(EMBED + context, hidden, batch_first=True)
        self.query = nn.Linear(hidden, hidden, bias=False) if attends else None
        self.keys = nn.Linear(hidden, hidden) if attends else None
        self.energy = nn.Linear(hidden, 1, bias=False) if attends else None
        self.before = nn.Linear(hidden + context, EMBED)
        self.out = nn.Linear(EMBED, target)
        self.drop = nn.Dropout(0.2)

    def encode(self, x):
        """Return what the decoder needs: its first state, and what it may look at."""
        lengths = (x != PAD).sum(1)
        hs, _ = self.encoder(self.drop(self.read(x)))
        last = hs[torch.arange(len(x)), lengths - 1]
        return last[None], (hs, self.keys(hs), x != PAD) if self.keys else None

    def decode(self, y, state, seen):
        """Scores (B, T, words) after each of the words y, and the state."""
        y = self.drop(self.fed(y))
        if seen is None:
            hs, state = self.decoder(y, state)
            return self.out(self.drop(torch.tanh(self.before(hs)))), state
        hs, keys, valid = seen
        said = []
        for word in y.unbind(1):
            scores = self.energy(torch.tanh(self.query(state[0])[:, None] + keys))[..., 0]
            weights = scores.masked_fill(~valid, -torch.inf).softmax(1)
            context = (weights[:, None] @ hs)[:, 0]
            s, state = self.decoder(torch.cat([word, context], 1)[:, None], state)
            said.append(torch.cat([s[:, 0], context], 1))
        return self.out(self.drop(torch.tanh(self.before(torch.stack(said, 1))))), state


def parameters(net):
    """Count what is learned."""
    return sum(p.numel() for p in net.parameters())


def build(source, target, **options):
    """A net of the size of the one with attention, whatever it is joined by."""
    net = Translator(source, target, HIDDEN, attends=True)
    budget, hidden = parameters(net), HIDDEN
    if options.get("attends"):
        return net
    while parameters(Translator(source, target, hidden + 1)) <= budget:
        hidden += 1
    return Translator(source, target, hidden, **options)


def learn(train, vocabularies, seed, **options):
    """Train on batches of sentences that are about equally long; return the net."""
    torch.manual_seed(seed)
    rng, (source, target) = np.random.default_rng(seed), vocabularies
    net = build(len(source.words), len(target.words), **options)
    optimiser = torch.optim.Adam(net.parameters(), RATE)
    updates = EPOCHS * -(-len(train) // BATCH)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1, 0.05, updates)
    for _ in range(EPOCHS):
        noise = rng.random(len(train))
        order = np.argsort([len(pair[0]) + n for pair, n in zip(train, noise, strict=True)])
        for k in rng.permutation(range(0, len(train), BATCH)):
            batch = [train[i] for i in order[k : k + BATCH]]
            x = source.encode([pair[0] for pair in batch])
            y = target.encode([pair[1] for pair in batch])
            fed = torch.cat([torch.full((len(y), 1), START), y[:, :-1]], 1)
            scores, _ = net.decode(fed, *net.encode(x))
            loss = nn.functional.cross_entropy(
                scores.flatten(0, 1), y.flatten(), ignore_index=PAD, label_smoothing=0.1
            )
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            schedule.step()
    return net.eval()


@torch.no_grad()
def translate(net, x, width):
    """Best of `width` beams by the mean log-probability of a word; width 1 is greedy.

    An ended beam goes on with padding, free of charge.
    """
    B, steps = len(x), 2 * WORDS
    state, seen = net.encode(x.repeat_interleave(width, 0))
    said = torch.full((B * width, 1), START)
    total = torch.full((B, width), -torch.inf)
    total[:, 0] = 0
    for _ in range(steps):
        scores, state = net.decode(said[:, -1:], state, seen)
        log_p = scores[:, 0].log_softmax(1)
        log_p[:, [PAD, UNKNOWN, START]] = -torch.inf
        over = (said[:, -1] == END) | (said[:, -1] == PAD)
        log_p[over] = -torch.inf
        log_p[over, PAD] = 0
        both = (total[:, :, None] + log_p.view(B, width, -1)).flatten(1)
        total, best = both.topk(width, 1)
        rows = (torch.arange(B)[:, None] * width + best // log_p.shape[1]).flatten()
        said = torch.cat([said[rows], (best % log_p.shape[1]).view(-1, 1)], 1)
        state = state[:, rows]
    lengths = (said[:, 1:] != PAD).sum(1).view(B, width)
    chosen = torch.arange(B) * width + (total / lengths).argmax(1)
    return said[chosen, 1:]


def neighbours(train, test):
    """The translation of the training sentence with the most, and rarest, words in common."""
    counts = Counter(word for english, _ in train for word in {*english})
    weight = {word: np.log(len(train) / n) ** 2 for word, n in counts.items()}
    bags = [{*english} for english, _ in train]
    norms = np.array([sum(weight[w] for w in bag) ** 0.5 for bag in bags])
    holders = {}
    for i, bag in enumerate(bags):
        for word in bag:
            holders.setdefault(word, []).append(i)
    answers = []
    for english, _ in test:
        likeness = np.zeros(len(train))
        for word in {*english} & weight.keys():
            likeness[holders[word]] += weight[word]
        answers.append(train[int(np.argmax(likeness / norms))][1])
    return answers


def bleu(answers, test):
    """Corpus BLEU of sacrebleu, with all references."""
    most = max(len(french) for _, french in test)
    references = [
        [text(french[k]) if k < len(french) else None for _, french in test] for k in range(most)
    ]
    return sacrebleu.corpus_bleu([text(a) for a in answers], references, force=True).score


def write(base, nets, seeds, facts):
    """Put what is known after some seeds into the record."""
    rows = [("nearest neighbour, no net", "0", f"{base:.1f}", "", "")]
    for name, (count, greedy, beam, spent) in nets.items():
        scores = (summary(greedy, 1), summary(beam, 1))
        rows.append((name, f"{count:,}", *scores, f"{np.median(spent):.0f}"))
    return write_table(
        "translation",
        HEAD,
        rows,
        command='RNNCORE_DATA=... make record TABLES="translation"',
        seeds=f"{SEEDS[0]} to {seeds - 1 + SEEDS[0]}; median and range",
        note=facts,
    )


def main():
    """Measure every setting over the seeds."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    train, test = load()
    source, target = Words(pair[0] for pair in train), Words(pair[1] for pair in train)
    base = bleu(neighbours(train, test), test)
    facts = (
        f"{len(train):,} pairs for training, {len(test)} English sentences with "
        f"{sum(len(french) for _, french in test) / len(test):.1f} references each for the test, "
        f"all of at most {WORDS} words and a final mark; {len(source.words):,} English and "
        f"{len(target.words):,} French words. {EPOCHS} epochs. BLEU of sacrebleu "
        f"{sacrebleu.__version__}, tokenizer 13a, lower case."
    )
    x = source.encode([english for english, _ in test])
    print(f"nearest neighbour {base:.1f}; {facts}", flush=True)
    nets = {name: (0, [], [], []) for name in SETTINGS}
    for done, seed in enumerate(SEEDS, 1):
        for name, options in tqdm(SETTINGS.items(), desc=f"seed {seed}"):
            start = process_time()
            net = learn(train, (source, target), seed, **options)
            _, greedy, beam, spent = nets[name]
            spent.append(process_time() - start)
            for width, found in ((1, greedy), (BEAM, beam)):
                answers = [target.decode(row) for row in translate(net, x, width)]
                found.append(bleu(answers, test))
            nets[name] = parameters(net), greedy, beam, spent
            print(name, greedy, beam, spent, flush=True)
        print(write(base, nets, done, facts))


if __name__ == "__main__":
    main()
