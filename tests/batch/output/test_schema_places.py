"""A node of a strict schema knows where its keywords stand in the schema that was given."""

from __future__ import annotations

from airflow_provider_openai_batch.batch.output.schema_places import NotSchema, Placed, like, plain

WORD = ("$defs", "W")


def test_a_keyword_stands_in_its_node():
    """Also one that is missing, where it would be written."""
    node = Placed({"type": "array"}, ("properties", "a"))

    assert node.at("type") == ("properties", "a", "type")
    assert node.at("items") == ("properties", "a", "items")


def test_keywords_of_a_copied_reference_stand_at_its_target():
    """What stands beside the reference stays where it is; what both lack is missing in the target."""
    beside = Placed({"description": "d"}, ("properties", "a"))

    node = beside.over(Placed({"type": "array", "description": "other"}, WORD))

    assert node == {"type": "array", "description": "d"}
    assert node.place == ("properties", "a")
    assert node.at("description") == ("properties", "a", "description")
    assert [node.at(name) for name in ("type", "items")] == [(*WORD, "type"), (*WORD, "items")]


def test_a_reference_through_another_ends_at_the_last():
    """Each keyword stands where it was written, however many references lead there."""
    first, last = Placed({"minimum": 1}, ("$defs", "A")), Placed({"type": "integer"}, ("$defs", "B"))

    node = Placed({"title": "t"}, ()).over(first.over(last))

    places = {name: node.at(name)[:-1] for name in node}
    assert places == {"title": (), "minimum": ("$defs", "A"), "type": ("$defs", "B")}


def test_a_node_made_anew_stands_where_the_other_one_stood():
    """One whose name has changed is found by the name that was given."""
    node = Placed({"oneOf": []}, WORD)

    renamed = like(node, {"anyOf": []}, anyOf=node.at("oneOf"))

    assert isinstance(renamed, Placed)
    assert (renamed.place, renamed.at("anyOf")) == (WORD, (*WORD, "oneOf"))
    assert type(like({"oneOf": []}, {"anyOf": []})) is dict


def test_a_plain_schema_has_no_places():
    """What is sent is made of dicts and lists, and holds what was given, also where it is not a schema."""
    node = Placed({"anyOf": [Placed({"type": "null"}, WORD), NotSchema(7, WORD)]}, ())

    found = plain(node)

    assert found == {"anyOf": [{"type": "null"}, 7]}
    assert type(found) is type(found["anyOf"][0]) is dict
