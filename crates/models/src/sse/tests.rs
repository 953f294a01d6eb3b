use proptest::prelude::*;

use super::*;

fn parse(framing: Framing, pieces: &[&[u8]]) -> Vec<Frame> {
    let mut frames = Frames::new(framing);
    let mut parsed = VecDeque::new();
    for piece in pieces {
        frames.push(piece, &mut parsed).unwrap();
    }
    frames.end(&mut parsed).unwrap();
    parsed.into()
}

fn events(text: &str) -> Vec<Frame> {
    parse(Framing::Events, &[text.as_bytes()])
}

fn frame(event: &str, data: &str) -> Frame {
    Frame { event: event.to_owned(), data: data.to_owned() }
}

const STREAM: &str = "\u{feff}: welcome\r\n\
    event: one\r\ndata: ä\r\ndata:  東京\r\n\r\n\
    data: two\rid: 7\r\revent: none\n\n\
    retry: 3\ndata\n\ndata:{\"x\": \"😀\"}\n\nevent: three\ndata: 3\n\n";

#[test]
fn events_are_read_whatever_ends_their_lines() {
    let expected = [
        frame("one", "ä\n 東京"),
        frame("", "two"),
        frame("", ""),
        frame("", "{\"x\": \"😀\"}"),
        frame("three", "3"),
    ];
    assert_eq!(events(STREAM), expected);
}

#[test]
fn an_event_without_its_blank_line_is_none() {
    assert_eq!(events("data: one\n\ndata: two\n"), [frame("", "one")]);
    assert_eq!(events("data: one\n\ndata: two"), [frame("", "one")]);
}

#[test]
fn a_stream_in_single_bytes_is_the_same() {
    let bytes: Vec<&[u8]> = STREAM.as_bytes().chunks(1).collect();
    assert_eq!(parse(Framing::Events, &bytes), events(STREAM));
}

#[test]
fn every_beginning_gives_the_first_events() {
    let whole = events(STREAM);
    for end in 0..=STREAM.len() {
        let part = parse(Framing::Events, &[&STREAM.as_bytes()[..end]]);
        assert!(whole.starts_with(&part), "{end}: {part:?}");
    }
}

#[test]
fn what_is_no_utf_8_is_replaced() {
    assert_eq!(parse(Framing::Events, &[b"data: a\xffb\n\n"]), [frame("", "a\u{fffd}b")]);
}

#[test]
fn lines_are_values_and_the_last_needs_no_ending() {
    let lines = parse(Framing::Lines, &[b"{\"a\":1}\r\n\n", b"{\"b\"", b":2}"]);
    assert_eq!(lines, [frame("", "{\"a\":1}"), frame("", "{\"b\":2}")]);
}

#[test]
fn a_whole_value_may_have_many_lines() {
    let whole = parse(Framing::Whole, &[b"{\r\n \"a\"", b": 1\n}\n"]);
    assert_eq!(whole, [frame("", "{\r\n \"a\": 1\n}\n")]);
    assert_eq!(parse(Framing::Whole, &[b"\n"]), []);
}

#[test]
fn a_line_of_a_mebibyte_is_read_and_a_longer_one_is_not() {
    let longest = "x".repeat(MOST_BYTES - "data:".len());
    assert_eq!(events(&format!("data:{longest}\n\n")), [frame("", &longest)]);

    for too_long in
        [format!("data: one\n\ndata:{longest}x"), format!("data: one\n\n:xxxxx{longest}")]
    {
        let mut frames = Frames::new(Framing::Events);
        let mut parsed = VecDeque::new();
        let pushed: Result<(), TooLong> =
            too_long.as_bytes().chunks(1000).try_for_each(|piece| frames.push(piece, &mut parsed));
        assert_eq!((pushed, parsed.into()), (Err(TooLong), vec![frame("", "one")]));
    }
}

#[test]
fn an_event_of_many_lines_is_not_longer_either() {
    let line = format!("data: {}\n", "x".repeat(1000));
    let mut frames = Frames::new(Framing::Events);
    let pushed = frames.push(line.repeat(1100).as_bytes(), &mut VecDeque::new());
    assert_eq!(pushed, Err(TooLong));
}

proptest! {
    #[test]
    fn however_it_is_cut_the_same_comes_of_it(
        stream in r"((data|event|id|x)?:? ?[a-ü東\x00]{0,3}(\r|\n|\r\n)){0,30}",
        cuts in proptest::collection::vec(0_usize..400, 0..8),
        framing in prop_oneof![Just(Framing::Events), Just(Framing::Lines), Just(Framing::Whole)],
    ) {
        let bytes = stream.as_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.push(bytes.len());
        cuts.sort_unstable();
        let mut start = 0;
        let pieces: Vec<&[u8]> = cuts
            .into_iter()
            .map(|end| &bytes[std::mem::replace(&mut start, end)..end])
            .collect();
        prop_assert_eq!(parse(framing, &pieces), parse(framing, &[bytes]));
    }
}
