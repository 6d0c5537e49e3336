"""Read MNIST without a net, for lecture 18: ``make record TABLES=mnist-neighbours``.

What `mnist_rows.py` has to be judged beside.  Each image is one vector of 784 pixels between 0 and
1.  The nearest of ten mean images, logistic regression, and the nearest neighbours among all 60,000
training images.  How many neighbours vote and the regression's C are chosen on the last
5,000 training images after learning from the others; the test images have no part in it.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from table import write_table

from rnncore.data import load_mnist

HELD, VOTES, INVERSES = 5_000, (3, 5), (0.01, 0.1, 1.0)
HEAD = ["method", "numbers stored", "test accuracy, %"]


def load(split):
    """Images as vectors between 0 and 1, and labels."""
    images, labels = load_mnist(split)
    return images.reshape(len(images), -1).astype(np.float32) / 255, labels


def right(model, known, new):
    """Per cent of the new images that a model names right after it learned the known ones."""
    found = 100 * model.fit(*known).score(*new)
    print(model, f"{found:.2f}", flush=True)
    return found


def neighbours(votes):
    """Let the nearest training images vote."""
    return KNeighborsClassifier(votes, algorithm="brute")


def logistic(inverse):
    """Logistic regression; C, the inverse of the penalty, as given."""
    return LogisticRegression(C=inverse, max_iter=200, tol=1e-3)


def main():
    """Choose on held-out training images, measure on the test images, and write the table."""
    known, new = load("train"), load("test")
    part, held = [x[:-HELD] for x in known], [x[-HELD:] for x in known]
    votes = max(VOTES, key=lambda k: right(neighbours(k), part, held))
    inverse = max(INVERSES, key=lambda c: right(logistic(c), part, held))
    pixels, count = known[0].shape[1], known[0].size
    methods = {
        "nearest mean image": (NearestCentroid(), 10 * pixels),
        f"logistic regression, C = {inverse}": (logistic(inverse), 10 * (pixels + 1)),
        "nearest neighbour": (neighbours(1), count),
        f"{votes} nearest neighbours": (neighbours(votes), count),
    }
    rows = [
        (name, f"{stored:,}", f"{right(model, known, new):.2f}")
        for name, (model, stored) in methods.items()
    ]
    content = write_table(
        "mnist-neighbours",
        HEAD,
        rows,
        command='RNNCORE_DATA=... make record TABLES="mnist-neighbours"',
        seeds="none, nothing is drawn",
        note="Accuracy on the 10,000 test images after learning from the 60,000 training images, "
        "each a vector of 784 pixels; Euclidean distance. Three or five neighbours, and C of "
        "0.01, 0.1 or 1, were chosen on the last 5,000 training images.",
    )
    print(content)


if __name__ == "__main__":
    main()
