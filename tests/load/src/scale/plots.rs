//! The figures at scale as pictures.

use std::{fs, ops::Range, path::Path};

use plotters::{
    coord::{Shift, types::RangedCoordf64},
    prelude::*,
};
use serde_json::Value;

use super::{report::spread, rush::grouped};
use crate::parts::cdn;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

const INK: RGBColor = RGBColor(51, 51, 51);
const GRID: RGBColor = RGBColor(225, 225, 225);
const GRAY: RGBColor = RGBColor(150, 150, 150);
/// Colours that people tell apart who see few of them (Okabe and Ito's).
const COLOURS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167)];
const FONT: &str = "sans-serif";

/// The files that show a part.
pub fn of(part: &str) -> &'static [&'static str] {
    match part {
        "rush" => &["sales", "latency"],
        "hang" => &["hang"],
        "posts" => &["posts"],
        _ => &[],
    }
}

/// Draws everything that there are figures of.
pub fn draw(folder: &Path, kept: &Value) {
    fs::create_dir_all(folder).unwrap();
    if let Some(rushes) = kept["rush"]["figures"]["rushes"].as_array() {
        let file = folder.join("sales.svg");
        let root = canvas(&file, (1_120, 760));
        for (area, rush) in root.split_evenly((2, 2)).iter().zip(rushes) {
            sales(area, rush);
        }
        root.present().unwrap();
        let file = folder.join("latency.svg");
        let root = canvas(&file, (1_120, 430));
        let [left, right] = <[Area<'_>; 2]>::try_from(root.split_evenly((1, 2))).ok().unwrap();
        latencies(&left, "Order: from the intended arrival to the answer", rushes, "order");
        latencies(&right, "Seat: from the intended arrival to having paid", rushes, "paid");
        root.present().unwrap();
    }
    if kept["posts"]["figures"].is_object() {
        let file = folder.join("posts.svg");
        let root = canvas(&file, (1_120, 480));
        posts(&root, &kept["posts"]["figures"]);
        root.present().unwrap();
    }
    let hang = &kept["hang"]["figures"];
    if let (Some(without), Some(with)) = (hang["without"].as_array(), hang["with"].as_array()) {
        let file = folder.join("hang.svg");
        let root = canvas(&file, (1_120, 430));
        routes(&root, without, with, number(&hang["seconds"]));
        root.present().unwrap();
    }
}

/// The median run of a row, in milliseconds.
fn median(row: &Value, quantile: &str) -> f64 {
    let runs = row["latency"][quantile].as_array().unwrap();
    number(&runs[runs.len() / 2])
}

/// Latencies of lists: one line for each, over `x`.
fn lists(area: &Area<'_>, title: &str, rows: &[Value], (desc, x): (&str, fn(&Value) -> f64), label: fn(f64) -> String) {
    let mut names: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    names.dedup();
    names.sort_unstable();
    names.dedup();
    let all = || rows.iter().map(x);
    let (left, right) = (all().fold(f64::MAX, f64::min), all().fold(f64::MIN, f64::max));
    let most = rows.iter().map(|row| median(row, "p99")).fold(0.1, f64::max);
    let room = (right - left).max(0.1) * 0.05;
    let mut chart = chart(area, title, left - room..right + room, 0.0..most * 1.9);
    let shown = |value: &f64| label(*value);
    let mut mesh = chart.configure_mesh();
    mesh.x_desc(desc).y_desc("ms").axis_desc_style(text(14)).label_style(text(13)).x_labels(6);
    mesh.x_label_formatter(&shown);
    mesh.bold_line_style(GRID).light_line_style(TRANSPARENT).axis_style(INK).draw().unwrap();
    for (n, name) in names.into_iter().enumerate() {
        let of_list = || rows.iter().filter(move |row| row["name"] == name);
        let style = ShapeStyle::from(COLOURS[n % COLOURS.len()].mix(if n < COLOURS.len() { 1.0 } else { 0.5 }));
        let line = of_list().map(|row| (x(row), median(row, "p50")));
        let series = chart.draw_series(LineSeries::new(line, style.stroke_width(2))).unwrap();
        series.label(format!("{name}: p50, and p99 as a point"));
        series.legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style.stroke_width(2)));
        chart.draw_series(of_list().map(|row| Circle::new((x(row), median(row, "p99")), 4, style.filled()))).unwrap();
    }
    legend(&mut chart, SeriesLabelPosition::UpperLeft);
}

/// Lists by the number of posts, and by the depth of the page.
fn posts(root: &Area<'_>, figures: &Value) {
    let [left, right] = <[Area<'_>; 2]>::try_from(root.split_evenly((1, 2))).ok().unwrap();
    let of = |name: &str| figures[name].as_array().unwrap().clone();
    let by_rows = ("posts on the board", (|row: &Value| number(&row["rows"]).log10()) as fn(&Value) -> f64);
    let count = |exponent: f64| {
        let whole = (exponent - exponent.round()).abs() < 0.01;
        if whole { grouped(10_f64.powf(exponent).round() as usize) } else { String::new() }
    };
    lists(&left, "First pages of 20, by the number of posts", &of("lists"), by_rows, count);
    let by_depth =
        ("of the list lies before the page", (|row: &Value| number(&row["depth"]) * 100.0) as fn(&Value) -> f64);
    lists(&right, "Pages of the longest lists, by their depth", &of("depths"), by_depth, |percent| {
        format!("{percent:.0} %")
    });
}

/// Files by the CDN and past it: the median and the 99th percentile, each a factor of ten as far from the next.
pub fn files(folder: &Path, figures: &[Value]) {
    fs::create_dir_all(folder).unwrap();
    let file = folder.join("cdn.svg");
    let root = canvas(&file, (1_120, 430));
    let exponent = |delay: u64, what: &str, quantile: &str| {
        let name = format!("{}: {quantile}", cdn::title(what, delay));
        number(&figures.iter().find(|figure| figure["name"] == name).unwrap()["median"]).max(0.01).log10()
    };
    for (area, (delay, _)) in root.split_evenly((1, 2)).iter().zip(cdn::DELAYS) {
        let title = format!("200 KiB by the stand-in, with an origin {delay} ms away");
        let mut chart = chart(area, &title, -0.5..2.5, -2.0..2.5);
        let label = |x: &f64| match cdn::WHAT.get(x.round() as usize) {
            Some(what) if (x - x.round()).abs() < 0.01 => (*what).to_owned(),
            _ => String::new(),
        };
        let millis = |exponent: &f64| format!("{} ms", 10_f64.powf(exponent.round()));
        let mut mesh = chart.configure_mesh();
        mesh.axis_desc_style(text(14)).label_style(text(13)).disable_x_mesh().x_labels(7).x_label_formatter(&label);
        mesh.y_labels(5).y_label_formatter(&millis);
        mesh.bold_line_style(GRID).light_line_style(TRANSPARENT).axis_style(INK).draw().unwrap();
        for (quantile, colour) in [("p50", COLOURS[0]), ("p99", COLOURS[1])] {
            let points = cdn::WHAT.iter().zip(0..).map(|(what, n)| (f64::from(n), exponent(delay, what, quantile)));
            let points = points.map(|point| Circle::new(point, 6, colour.filled()));
            let series = chart.draw_series(points).unwrap().label(quantile);
            series.legend(move |(x, y)| Circle::new((x + 9, y), 6, colour.filled()));
        }
        legend(&mut chart, SeriesLabelPosition::UpperRight);
    }
    root.present().unwrap();
}

fn canvas(file: &Path, size: (u32, u32)) -> Area<'_> {
    let root = SVGBackend::new(file, size).into_drawing_area();
    root.fill(&WHITE).unwrap();
    root.margin(8, 8, 8, 8)
}

fn text(size: u32) -> TextStyle<'static> {
    TextStyle::from((FONT, size).into_font()).color(&INK)
}

fn chart<'a, 'b>(area: &'a Area<'b>, title: &str, x: Range<f64>, y: Range<f64>) -> Chart<'a, 'b> {
    let mut builder = ChartBuilder::on(area);
    builder.caption(title, text(17)).margin(10).x_label_area_size(46).y_label_area_size(62);
    builder.build_cartesian_2d(x, y).unwrap()
}

fn legend<'a, 'b: 'a>(chart: &mut Chart<'a, 'b>, position: SeriesLabelPosition) {
    let mut labels = chart.configure_series_labels();
    labels.position(position).background_style(WHITE.mix(0.9)).border_style(GRID).label_font(text(14));
    labels.margin(8).draw().unwrap();
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// Who had come, was answered and had paid, in parts of all who came and of all seats.
fn sales(area: &Area<'_>, rush: &Value) {
    let points = rush["overTime"].as_array().unwrap();
    let end = number(&points.last().unwrap()[0]);
    let (visits, seats) = (number(&rush["visits"]), number(&rush["seats"]));
    let mut chart = chart(area, rush["name"].as_str().unwrap(), 0.0..end, 0.0..104.0);
    let mut mesh = chart.configure_mesh();
    mesh.x_desc("seconds since the sale opened")
        .y_desc("%")
        .y_label_formatter(&|percent| format!("{percent:.0}"))
        .axis_desc_style(text(14))
        .label_style(text(13));
    mesh.bold_line_style(GRID).light_line_style(TRANSPARENT).axis_style(INK).draw().unwrap();
    let killed = rush["killed"].as_array().unwrap();
    if !killed.is_empty() {
        let down = killed.iter().map(|kill| {
            // A line at least.
            let (from, to) = (number(&kill[0]), number(&kill[1]).max(number(&kill[0]) + end / 300.0));
            Rectangle::new([(from, 0.0), (to, 104.0)], RED.mix(0.25).filled())
        });
        let series = chart.draw_series(down).unwrap().label("server killed, not back yet");
        series.legend(|(x, y)| Rectangle::new([(x, y - 5), (x + 18, y + 5)], RED.mix(0.25).filled()));
    }
    let came = format!("requests that had come, of {}", grouped(visits as usize));
    let answered = "of them, answered".to_owned();
    let sold = format!("seats paid, of {}", grouped(seats as usize));
    for (column, (label, of, colour)) in
        [(came, visits, GRAY), (answered, visits, COLOURS[0]), (sold, seats, COLOURS[1])].into_iter().enumerate()
    {
        let line = points.iter().map(|point| (number(&point[0]), 100.0 * number(&point[column + 1]) / of));
        let style = ShapeStyle::from(colour).stroke_width(2);
        let series = chart.draw_series(LineSeries::new(line, style)).unwrap().label(label);
        series.legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
    }
    legend(&mut chart, SeriesLabelPosition::LowerRight);
}

/// Percentiles, with as much room for each further nine.
fn latencies(area: &Area<'_>, title: &str, rushes: &[Value], of: &str) {
    let nines = |quantile: f64, count: f64| if quantile < 1.0 { -(1.0 - quantile).log10() } else { count.log10() };
    let curves = rushes.iter().map(|rush| {
        let count = number(&rush[of]["count"]);
        let points = rush[of]["curve"].as_array().unwrap().iter();
        let points = points.map(|point| (nines(number(&point[0]), count), number(&point[1]).max(0.1).log10()));
        (rush["name"].as_str().unwrap().to_owned(), points.collect::<Vec<_>>())
    });
    let curves: Vec<(String, Vec<(f64, f64)>)> = curves.collect();
    let all = || curves.iter().flat_map(|(_, points)| points);
    let right = all().map(|point| point.0).fold(1.0, f64::max);
    let (low, high) = all().fold((9.0_f64, 0.0_f64), |(low, high), point| (low.min(point.1), high.max(point.1)));
    // Room for the legend above them.
    let top = (high + 0.4 * (high - low.floor())).ceil();
    let mut chart = chart(area, title, 0.0..right + 0.05, low.floor()..top);
    let percent = |nines: &f64| {
        if (nines - nines.round()).abs() > 0.01 {
            return String::new();
        }
        // 0, 90, 99, 99.9, 99.99 …
        let decimals = (nines.round() as usize).saturating_sub(2);
        format!("{:.decimals$} %", 100.0 - 100.0 * 10_f64.powf(-nines.round()))
    };
    let millis = |exponent: &f64| match exponent.round() as i32 {
        exponent if exponent >= 3 => format!("{} s", 10_i64.pow(exponent as u32 - 3)),
        exponent if exponent >= 0 => format!("{} ms", 10_i64.pow(exponent as u32)),
        exponent => format!("{} ms", 10_f64.powi(exponent)),
    };
    let mut mesh = chart.configure_mesh();
    mesh.x_desc("percentile of those who came").axis_desc_style(text(14)).label_style(text(13));
    mesh.x_labels(9).y_labels(10).x_label_formatter(&percent).y_label_formatter(&millis);
    mesh.bold_line_style(GRID).light_line_style(TRANSPARENT).axis_style(INK).draw().unwrap();
    for ((name, points), colour) in curves.into_iter().zip(COLOURS) {
        let style = ShapeStyle::from(colour).stroke_width(2);
        if let [(_, only)] = points[..] {
            chart.draw_series([Circle::new((0.0, only), 4, style.filled())]).unwrap();
        }
        let series = chart.draw_series(LineSeries::new(points, style)).unwrap().label(name);
        series.legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
    }
    legend(&mut chart, SeriesLabelPosition::UpperLeft);
}

/// The p99 of each route: a bar for the median, a line from the least to the greatest.
fn routes(area: &Area<'_>, without: &[Value], with: &[Value], seconds: f64) {
    let names: Vec<String> = with[0].as_object().unwrap().keys().cloned().collect();
    let names: Vec<String> = names.into_iter().filter(|name| name != "confirm_payment").collect();
    let of = |runs: &[Value]| names.iter().map(|name| spread(runs, name)).collect::<Vec<_>>();
    let (without, with) = (of(without), of(with));
    let most = without.iter().chain(&with).map(|spread| spread[2]).fold(1.0, f64::max);
    let title =
        format!("p99 of the other routes while Toss hangs for {seconds:.0} s: median of the runs, least to greatest");
    let mut chart = chart(area, &title, -0.5..names.len() as f64 - 0.5, 0.0..most * 1.15);
    let label =
        |x: &f64| names.get(x.round() as usize).filter(|_| (x - x.round()).abs() < 0.01).cloned().unwrap_or_default();
    let mut mesh = chart.configure_mesh();
    mesh.y_desc("p99, ms")
        .y_label_formatter(&|millis| format!("{millis:.0}"))
        .axis_desc_style(text(14))
        .label_style(text(13))
        .disable_x_mesh();
    mesh.x_labels(names.len() * 2 + 1).x_label_formatter(&label);
    mesh.bold_line_style(GRID).light_line_style(TRANSPARENT).axis_style(INK).draw().unwrap();
    for (name, spreads, colour, offset) in
        [("Toss answers", without, COLOURS[0], -0.3), ("Toss hangs", with, COLOURS[1], 0.02)]
    {
        let bars = spreads.iter().zip(0..).map(|([_, median, _], n)| {
            let left = f64::from(n) + offset;
            Rectangle::new([(left, 0.0), (left + 0.28, *median)], colour.mix(0.75).filled())
        });
        let series = chart.draw_series(bars).unwrap().label(name);
        series.legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 18, y + 5)], colour.mix(0.75).filled()));
        let spans = spreads.iter().zip(0..).map(|([least, _, greatest], n)| {
            let middle = f64::from(n) + offset + 0.14;
            PathElement::new([(middle, *least), (middle, *greatest)], ShapeStyle::from(INK).stroke_width(2))
        });
        chart.draw_series(spans).unwrap();
    }
    legend(&mut chart, SeriesLabelPosition::UpperRight);
}
