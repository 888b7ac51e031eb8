"""Claims, and three models that say which of them to hold. Needs scikit-learn: ``launchworthy[models]``."""

import random

FIELDS = ("AccidentArea", "AgeOfPolicyHolder", "BasePolicy", "Fault", "PastNumberOfClaims", "VehicleCategory",
          "VehiclePrice")  # fmt: skip
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
YOUNG = ("16 to 17", "18 to 20", "21 to 25", "26 to 30", "31 to 35")
AGES = (*YOUNG, "36 to 40", "41 to 50", "51 to 65")


def read_claims(file=None, *, seed=2026):
    """Claims in the order in which they came, as ``{"id", "fields", "fraud"}``; made up without a file."""
    if file is None:
        return made_up(seed)
    import duckdb

    names = ", ".join((*FIELDS, "PolicyNumber", "FraudFound_P", "Year", "Month", "WeekOfMonth"))
    rows = duckdb.read_parquet(str(file)).project(names).fetchall()
    rows.sort(key=lambda row: (row[-3], MONTHS.index(row[-2]), row[-1], row[len(FIELDS)]))
    return [
        {
            "id": f"claim-{row[len(FIELDS)]}",
            "fields": dict(zip(FIELDS, row, strict=False)),
            "fraud": bool(row[len(FIELDS) + 1]),
        }
        for row in rows
    ]


def made_up(seed, n=9_900):
    """Claims that nobody made: dearer vehicles come in the last sixth, and fraud depends on four fields."""
    chance, found = random.Random(seed), []  # noqa: S311 (reproducible on purpose)
    for number in range(n):
        dear = 0.45 if number > 5 * n / 6 else 0.15
        fields = {
            "AccidentArea": chance.choices(("Urban", "Rural"), (9, 1))[0],
            "AgeOfPolicyHolder": chance.choices(AGES, (1, 1, 1, 8, 34, 26, 19, 10))[0],
            "BasePolicy": chance.choices(("Liability", "Collision", "All Perils"), (33, 38, 29))[0],
            "Fault": chance.choices(("Policy Holder", "Third Party"), (73, 27))[0],
            "PastNumberOfClaims": chance.choices(("none", "1", "2 to 4", "more than 4"), (28, 23, 36, 13))[0],
            "VehicleCategory": chance.choices(("Sedan", "Sport", "Utility"), (62, 35, 3))[0],
            "VehiclePrice": chance.choices(("20000 to 29000", "more than 69000"), (1 - dear, dear))[0],
        }  # fmt: skip
        odds = 0.01
        odds *= {"Liability": 0.3, "Collision": 5, "All Perils": 8}[fields["BasePolicy"]]
        odds *= 3 if fields["Fault"] == "Policy Holder" else 0.4
        odds *= 2 if fields["AccidentArea"] == "Rural" else 1
        found.append(
            {"id": f"claim-{number}", "fields": fields, "fraud": chance.random() < odds / (1 + odds)}
        )
    return found


def age_band(fields):
    return "under_36" if fields["AgeOfPolicyHolder"] in YOUNG else "from_36"


def honest_and_young(claim):
    return not claim["fraud"] and age_band(claim["fields"]) == "under_36"


class Screen:
    """A logistic regression over the fields, and the score from which on a claim is held."""

    def __init__(self, claims, *, threshold=None):
        from sklearn.feature_extraction import DictVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        self.model = make_pipeline(
            DictVectorizer(), LogisticRegression(class_weight="balanced", max_iter=1_000)
        )
        self.model.fit([claim["fields"] for claim in claims], [claim["fraud"] for claim in claims])
        self.known = {}
        scores = sorted(self.scores(claims))
        # The riskiest 15 % are held, unless the threshold of another model is kept.
        self.threshold = scores[int(0.85 * len(scores))] if threshold is None else threshold

    def scores(self, claims):
        return self.model.predict_proba([claim["fields"] for claim in claims])[:, 1].tolist()

    def __call__(self, fields):
        """The answer to one claim."""
        key = tuple(fields.values())
        score = self.known[key] = self.known.get(key) or self.scores([{"fields": fields}])[0]
        held = score > self.threshold
        return {"output": "hold" if held else "pay", "prediction": held, "score": score}
