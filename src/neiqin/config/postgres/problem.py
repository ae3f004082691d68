"""The one way in which a database that cannot run speaks to a person."""


class ClusterProblem(Exception):
    """What is wrong and what to do about it, as one plain Chinese sentence."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
