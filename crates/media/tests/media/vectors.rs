//! SVG that means well.

use bytes::Bytes;
use understudy_domain::ports::{IconFiles, MediaError, Pictures};

use crate::{confined, pixels};

async fn icon(svg: &str) -> Result<IconFiles, MediaError> {
    confined().make_icon(Bytes::copy_from_slice(svg.as_bytes())).await
}

fn svg(inner: &str) -> String {
    format!("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 100 50\">{inner}</svg>")
}

#[tokio::test]
async fn shapes_are_drawn_and_kept_as_shapes() {
    let icon = icon(&svg("<rect width='100' height='50' fill='#f00'/>")).await.unwrap();
    assert_eq!((icon.width, icon.height), (512, 256));
    assert_eq!(pixels(&icon.png).get_pixel(256, 128).0, [255, 0, 0, 255]);
    assert_eq!(pixels(&icon.thumbnail).dimensions(), (96, 48));
    let shapes = String::from_utf8(icon.svg.unwrap().to_vec()).unwrap();
    assert!(shapes.contains("<path "), "{shapes}");
    assert!(shapes.contains("viewBox=\"0 0 100 50\""), "{shapes}");
}

#[tokio::test]
async fn a_document_type_that_only_names_the_standard_is_passed_over() {
    let standard = "<?xml version='1.0'?><!-- made by a drawing program -->\n\
        <!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \
        \"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd\">\n";
    let shapes = svg("<rect width='100' height='50'/>");

    let icon = icon(&format!("{standard}{shapes}")).await.unwrap();

    assert!(!String::from_utf8(icon.svg.unwrap().to_vec()).unwrap().contains("w3.org/G"));
}

#[tokio::test]
async fn a_large_drawing_has_1024_pixels() {
    let large = "<svg xmlns='http://www.w3.org/2000/svg' width='5000' height='2500'>\
                 <circle cx='9' cy='9' r='900'/></svg>";
    let icon = icon(large).await.unwrap();
    assert_eq!((icon.width, icon.height), (1024, 512));
}

#[tokio::test]
async fn gradients_masks_clips_patterns_and_filters_are_kept() {
    let inner = "<defs>\
        <linearGradient id='my gradient'><stop stop-color='red'/><stop offset='1' stop-color='blue'/></linearGradient>\
        <radialGradient id='radial'><stop stop-color='lime'/><stop offset='1' stop-color='black'/></radialGradient>\
        <clipPath id='clip'><circle cx='50' cy='25' r='20'/></clipPath>\
        <mask id='mask'><rect width='100' height='50' fill='white'/></mask>\
        <pattern id='dots' width='10' height='10' patternUnits='userSpaceOnUse'><circle r='4'/></pattern>\
        <filter id='blur'><feGaussianBlur stdDeviation='2'/></filter></defs>\
        <style>.a { fill: url(#radial); mix-blend-mode: multiply }</style>\
        <rect width='100' height='50' fill=\"url('#my gradient')\"/>\
        <g clip-path='url(#clip)'><rect class='a' width='100' height='50'/></g>\
        <g mask='url(#mask)' opacity='0.5'><rect width='90' height='50' fill='url(#dots)'/></g>\
        <circle cx='50' cy='25' r='9' filter='url(#blur)'/>";
    let icon = icon(&svg(inner)).await.unwrap();
    let shapes = String::from_utf8(icon.svg.unwrap().to_vec()).unwrap();
    for part in
        ["linearGradient", "clipPath", "mask", "pattern", "feGaussianBlur", "radialGradient"]
    {
        assert!(shapes.contains(part), "{part}: {shapes}");
    }
}

#[tokio::test]
async fn what_was_made_can_be_uploaded_again() {
    let halves =
        svg("<g opacity='.5'><path d='M0 0h50v50z' fill='red'/><path d='M9 9h50v50z'/></g>");
    let first = icon(&halves).await.unwrap();
    let shapes = first.svg.clone().unwrap();
    let again = confined().make_icon(shapes).await.unwrap();
    assert_eq!(first.png, again.png);
}

#[tokio::test]
async fn text_is_left_out() {
    let icon = icon(&svg("<text x='1' y='9'>secret</text><path d='M0 0h50v50z'/>")).await.unwrap();
    let shapes = String::from_utf8(icon.svg.unwrap().to_vec()).unwrap();
    assert!(!shapes.contains("secret") && !shapes.contains("text"), "{shapes}");
}

#[tokio::test]
async fn comments_a_prolog_and_a_mark_before_it_do_no_harm() {
    let text = format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?><!-- made by hand -->{}",
        svg("<path d='M0 0h50v50z'/>")
    );
    assert!(icon(&text).await.is_ok());
}
