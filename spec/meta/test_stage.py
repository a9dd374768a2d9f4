"""The stage: its bounds, the messages of its errors, and the end of all that it has started."""

import faulthandler
import textwrap
from contextlib import closing

import pytest

from spec.kit import platforms
from spec.kit.channel import Channel, connect
from spec.kit.clock import now
from spec.kit.platforms import processes
from spec.kit.stage import Actor, Gone, Stage, TimedOut
from spec.meta.actors import (
    exit_without_a_word,
    hang,
    loaded,
    noop,
    parent,
    raiser,
    say_when_cued,
    start,
    start_and_crash,
    stubborn,
    timekeeper,
    waiter,
)
from spec.meta.scratch import eventually


def test_a_word_that_never_comes_is_named_with_the_actor(mp, stage):
    actor = stage.enter(waiter)
    actor.expect("here")
    stage.patience = 0.1
    with pytest.raises(TimedOut) as caught:
        actor.expect("stubborn")
    assert str(caught.value) == (
        "waiter has not said 'stubborn' within 0.1 s; it waits for the cue 'go'; cued: nothing"
    )


def test_an_end_that_never_comes_is_named_with_the_actor(mp, stage):
    actor = stage.enter(waiter)
    actor.expect("here")
    stage.patience = 0.1
    with pytest.raises(TimedOut, match=r"^waiter has not ended within 0\.1 s; it waits"):
        actor.exit_code()


def test_the_second_actor_of_a_name_has_a_number(mp, stage):
    stage.enter(waiter).expect("here")
    second = stage.enter(waiter)
    second.expect("here")
    stage.patience = 0.1
    with pytest.raises(TimedOut, match=r"^waiter 2 has not returned within 0\.1 s; it waits"):
        second.returns()


def test_an_actor_that_dies_is_named_with_its_exit_code(mp, stage):
    with pytest.raises(Gone) as caught:
        stage.result_of(exit_without_a_word, 7)
    assert str(caught.value) == (
        "exit_without_a_word ended with exit code 7 without a word, before returning"
    )


def test_an_actor_that_dies_before_it_came_is_named_too(mp, stage):
    def dying(target, args):
        return mp.Process(target=exit_without_a_word, args=(None, 7))

    with pytest.raises(Gone, match=r"^noop ended with exit code 7 without a word"):
        stage.result_of(noop, by=dying)


def test_an_actor_that_raises_is_heard_while_another_is_waited_for(mp, stage):
    quiet, loud = stage.enter(waiter), stage.enter(raiser)
    quiet.expect("here")
    loud.cue("raise")
    began = now()
    with pytest.raises(AssertionError, match="raiser raised LookupError: a reason") as caught:
        quiet.expect("stubborn")
    assert now() - began < stage.patience
    assert "in raiser" in str(caught.value)


@pytest.mark.skipif(
    not (hasattr(faulthandler, "register") and hasattr(vars(platforms)["signal"], "SIGUSR2")),
    reason="faulthandler.register() or SIGUSR2 is missing",
)
def test_the_stack_of_an_actor_that_hangs_is_told(mp, stage):
    actor = stage.enter(hang)
    actor.expect("asleep")
    stage.patience = 0.1
    with pytest.raises(TimedOut, match=r'actors\.py", line \d+ in hang'):
        actor.returns()


def test_an_actor_that_has_not_entered_is_told(mp, stage):
    actor = stage.prepare(waiter)
    stage.patience = 0.1
    with pytest.raises((TimedOut, Gone), match=r"not entered|before returning"):
        actor.returns()


@pytest.mark.parametrize("described", [Stage, Actor], ids=lambda described: described.__name__)
def test_the_examples_in_docstrings_run(scratch, described):
    example = textwrap.dedent((described.__doc__ or "").partition("example::\n")[2])
    assert "def test_" in example
    claim = example.replace(
        "def test_", '@claim("simple.example", docs="multiprocessing")\ndef test_'
    )
    head = '"""Scratch: an example."""\n\nfrom spec.kit import BEAT, claim\n\n\n'
    scratch.chapter("simple", head + claim)
    run = scratch.run("-n", "0")
    assert run.exitcode == 0, run.output
    assert "holds" in run.output


@pytest.mark.skipif(
    not hasattr(vars(platforms)["socket"], "AF_UNIX"),
    reason="a network connection takes one more cue after its other end was closed",
)
def test_a_cue_for_an_actor_that_has_ended_is_told(mp, stage):
    actor = stage.enter(exit_without_a_word, 7)
    actor.exit_code()
    with pytest.raises(Gone, match=r"ended with exit code 7 without a word, before receiving"):
        actor.cue("go")


def test_a_cue_lets_an_actor_go_on(mp, stage):
    actor = stage.enter(waiter)
    actor.cue("go")
    assert actor.returns() == "gone on"


listed = pytest.mark.skipif(
    not list(processes()), reason="the processes of this platform cannot be listed"
)


@listed
def test_the_end_of_the_scene_ends_an_actor_that_ignores_sigterm(mp, leaves_nothing_behind):
    with closing(Stage(mp)) as stage:
        actor = stage.enter(stubborn)
        actor.expect("stubborn")
        assert actor.pid in {pid for pid, *_ in processes()}
    assert actor.pid not in {pid for pid, *_ in processes()}


@listed
def test_the_end_of_the_scene_ends_what_an_actor_has_started(mp, leaves_nothing_behind):
    with closing(Stage(mp)) as stage:
        child = stage.enter(parent).expect("child")
        assert child in {pid for pid, *_ in processes()}
    assert eventually(lambda: child not in {pid for pid, *_ in processes()})


def test_all_clocks_are_one(mp, stage):
    """A child's times lie between times of the test before its start and after its end."""
    before = now()
    actor = stage.enter(timekeeper)
    actor.returns()
    after = now()
    sleeping = actor.spans["sleeping"]
    assert before < sleeping.begin < sleeping.end < after
    assert sleeping.seconds >= 0.01
    times = {event.kind: event.time for event in stage.timeline}
    assert before < times["entered"] < sleeping.begin
    assert sleeping.end < times["returned"] < after


@pytest.mark.parametrize("words", [b"", b"x", b"\0" * 16, b"GET / HTTP/1.1\r\n" * 9, b"\xff" * 999])
def test_data_from_an_unknown_process_is_never_decoded(mp, stage, monkeypatch, words):
    actor = stage.enter(waiter)
    actor.expect("here")
    stage.wait_until(lambda: stage.timeline[-1].kind == "waits", "the actor's waiting for its cue")
    decoded = []
    frames = Channel.frames

    def note(line):
        decoded.append(line)
        return frames(line)

    monkeypatch.setattr(Channel, "frames", note)
    with connect(stage._listener.getsockname()) as stranger:
        stranger.sendall(words)
        stage.listen(stage.patience)  # accepts the connection
        if words:
            stage.listen(stage.patience)  # reads the data
        assert decoded == []
        actor.cue("go")
        assert actor.returns() == "gone on"
    assert [event.actor for event in stage.timeline if event.kind == "entered"] == ["waiter"]


def test_an_unknown_process_that_disconnects_has_no_effect(mp, stage):
    actor = stage.enter(waiter)
    actor.expect("here")
    for words in (b"", b"half a tok"):
        with connect(stage._listener.getsockname()) as stranger:
            stranger.sendall(words)
    actor.cue("go")
    assert actor.returns() == "gone on"


def test_actors_may_return_much(mp, stage):
    """One result needs several reads, the other is None."""
    assert set(stage.result_of(loaded)) > {"sys"}
    assert stage.result_of(noop) is None


def test_a_nested_actor_runs_in_a_process_that_another_actor_starts(mp, stage):
    actor = stage.nested(waiter)
    starter = stage.enter(start, actor.ticket)
    actor.expect("here")
    actor.cue("go")
    assert actor.returns() == "gone on"
    assert starter.returns() == starter.pid
    assert actor.pid not in (None, starter.pid)


def test_the_end_of_the_scene_ends_a_nested_actor_whose_starter_is_gone(mp, leaves_nothing_behind):
    with closing(Stage(mp)) as stage:
        actor = stage.nested(stubborn)
        stage.enter(start_and_crash, actor.ticket).exit_code()
        actor.expect("stubborn")
    assert eventually(lambda: actor.pid not in [pid for pid, *_ in processes()])


def test_a_word_that_is_not_said_but_never_said_at_all_is_told(mp, stage):
    actor = stage.enter(waiter)
    assert actor.does_not_say("stubborn")
    actor.cue("go")
    actor.returns()
    assert stage.never_said == ["stubborn"]
    stage.listened_for.clear()


def test_the_first_of_several_to_say_a_word_is_told(mp, stage):
    actors = [stage.enter(say_when_cued) for _ in range(3)]
    for place in (1, 0):
        actors[place].cue("go")
        assert stage.first_to_say(actors, "here") is actors[place]
    assert stage.none_says(actors, "here")
    actors[2].cue("go")
    assert stage.first_to_say(actors, "here") is actors[2]


def test_an_end_of_one_of_several_is_told(mp, stage):
    actors = [stage.enter(say_when_cued), stage.enter(noop)]
    with pytest.raises(AssertionError, match=r"^noop returned None without saying 'here'"):
        stage.first_to_say(actors, "here")


def test_one_of_several_that_says_the_word_is_heard(mp, stage):
    actors = [stage.enter(say_when_cued) for _ in range(2)]
    actors[1].cue("go")
    actors[1].returns()
    assert not stage.none_says(actors, "here")


def test_what_does_not_come_about_is_named(mp, stage):
    looks = iter([False, False, True])
    stage.wait_until(lambda: next(looks), "the third look")
    stage.patience = 0.1
    with pytest.raises(TimedOut, match=r"^a miracle did not happen within 0\.1 s$"):
        stage.wait_until(lambda: False, "a miracle")
