"""The models that the battery of tests runs over: a case is added by adding a row."""

from rnncore import GRU, LSTM, RNN, Bidirectional, Clockwork, Jordan, Stack

CELLS = {
    "rnn": lambda i, h: RNN(i, h),
    "rnn-relu": lambda i, h: RNN(i, h, nonlinearity="relu"),
    "lstm": lambda i, h: LSTM(i, h),
    "gru": lambda i, h: GRU(i, h),
    "gru-before": lambda i, h: GRU(i, h, reset_after=False),
}
CAUSAL = CELLS | {
    "clockwork": lambda i, h: Clockwork(i, 2 * h, periods=(1, 3)),
    "clockwork-slow": lambda i, h: Clockwork(i, 3 * h, periods=(2, 3, 4)),
    "jordan": lambda i, h: Jordan(i, h, max(1, h // 2)),
    "stack": lambda i, h: Stack((LSTM(i, h), GRU(h, h + 1), RNN(h + 1, h))),
    "stack-in-stack": lambda i, h: Stack((Stack((RNN(i, h), LSTM(h, h))), Clockwork(h, h, (2,)))),
}
MODELS = CAUSAL | {
    "both": lambda i, h: Bidirectional(LSTM(i, h)),
    "both-gru": lambda i, h: Bidirectional(GRU(i, h)),
    "both-clockwork": lambda i, h: Bidirectional(Clockwork(i, 2 * h, (1, 2))),
    "stack-of-both": lambda i, h: Stack((Bidirectional(LSTM(i, h)), Bidirectional(RNN(2 * h, h)))),
    "both-of-both": lambda i, h: Bidirectional(Bidirectional(LSTM(i, h))),
    "both-of-stack-of-both": lambda i, h: Bidirectional(
        Stack((Bidirectional(Bidirectional(GRU(i, h))), RNN(4 * h, h), Bidirectional(RNN(h, h))))
    ),
    "both-of-stack": lambda i, h: Bidirectional(Stack((GRU(i, h), Jordan(h, h, 2)))),
}
