//! Plots: the time by number of tasks, and the calls per second by number of threads.

use crate::label::{count, time};
use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::row::Comparison;
use crate::row::Scaling;
use crate::timing::Timing;

const WIDTH: u32 = 1_200;
const PANEL: u32 = 330;
const COLUMNS: usize = 3;

/// The colour of each candidate.
const COLOURS: [(&str, RGBColor); 7] = [
    ("tasklife", RGBColor(0xD5, 0x2B, 0x1E)),
    ("floor", RGBColor(0x80, 0x80, 0x80)),
    ("a2a-protocol-server", RGBColor(0x1F, 0x77, 0xB4)),
    ("one lock", RGBColor(0x8C, 0x56, 0x4B)),
    ("map sorted on listing", RGBColor(0x2C, 0xA0, 0x2C)),
    ("moka", RGBColor(0x94, 0x67, 0xBD)),
    ("SQLite in memory", RGBColor(0xFF, 0x7F, 0x0E)),
];

/// Draws a panel for each operation that was measured at several sizes. Both axes are logarithmic.
///
/// # Errors
///
/// Returns an error if the file cannot be written.
pub fn draw(comparisons: &[Comparison], file: &Path) -> Result<(), Box<dyn Error>> {
    let operations = operations(comparisons);
    let rows = operations.len().div_ceil(COLUMNS);
    let height = PANEL * u32::try_from(rows)? + 40;
    let root = SVGBackend::new(file, (WIDTH, height)).into_drawing_area();
    root.fill(&WHITE)?;
    let (legend, panels) = root.split_vertically(40);
    draw_legend(&legend)?;
    for (panel, operation) in panels.split_evenly((rows, COLUMNS)).iter().zip(operations) {
        let comparisons: Vec<_> =
            comparisons.iter().filter(|comparison| comparison.operation == operation).collect();
        draw_panel(panel, operation, &comparisons)?;
    }
    root.present()?;
    Ok(())
}

/// Returns the operations that were measured at several sizes.
fn operations(comparisons: &[Comparison]) -> Vec<&'static str> {
    let mut seen = BTreeSet::new();
    let several = |name: &str| {
        comparisons.iter().filter(|comparison| comparison.operation == name).count() > 1
    };
    let names = comparisons.iter().map(|comparison| comparison.operation);
    names.filter(|name| several(name) && seen.insert(*name)).collect()
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn draw_legend(area: &Area<'_>) -> Result<(), Box<dyn Error>> {
    let mut x = 20;
    for (name, colour) in COLOURS {
        area.draw(&PathElement::new([(x, 20), (x + 24, 20)], colour.stroke_width(3)))?;
        area.draw(&Text::new(name, (x + 30, 13), ("sans-serif", 15)))?;
        x += 60 + 8 * i32::try_from(name.len())?;
    }
    Ok(())
}

/// Draws the calls per second by number of threads, in a panel for each mix of calls.
///
/// # Errors
///
/// Returns an error if the file cannot be written.
pub fn draw_threads(scalings: &[Scaling], file: &Path) -> Result<(), Box<dyn Error>> {
    let rows = scalings.len().div_ceil(COLUMNS);
    let height = PANEL * u32::try_from(rows)? + 40;
    let root = SVGBackend::new(file, (WIDTH, height)).into_drawing_area();
    root.fill(&WHITE)?;
    let (legend, panels) = root.split_vertically(40);
    draw_legend(&legend)?;
    for (panel, scaling) in panels.split_evenly((rows, COLUMNS)).iter().zip(scalings) {
        draw_scaling(panel, scaling)?;
    }
    root.present()?;
    Ok(())
}

fn draw_scaling(area: &Area<'_>, scaling: &Scaling) -> Result<(), Box<dyn Error>> {
    let Scaling { mix, accounts, threads, stores } = scaling;
    let rate = |timing: &Timing| 1e3 / timing.median();
    let highest = stores.iter().flatten().map(rate).fold(0.0, f64::max);
    let most = threads.iter().map(|threads| *threads as f64).fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption(format!("{mix}, accounts: {}", count(*accounts)), ("sans-serif", 15))
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..most + 0.5, 0.0..highest * 1.1)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(threads.len() + 2)
        .y_labels(6)
        .x_desc("threads")
        .y_desc("million calls per second")
        .x_label_formatter(&|threads| format!("{threads:.0}"))
        .draw()?;
    for store in stores {
        let name = store.first().map_or("", |timing| timing.name);
        let colour =
            COLOURS.iter().find(|(known, _)| *known == name).map_or(BLACK, |known| known.1);
        let points: Vec<_> = threads
            .iter()
            .zip(store)
            .map(|(threads, timing)| (*threads as f64, rate(timing)))
            .collect();
        chart.draw_series(LineSeries::new(points.clone(), colour.stroke_width(2)))?;
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
    }
    Ok(())
}

fn draw_panel(
    area: &Area<'_>,
    operation: &str,
    comparisons: &[&Comparison],
) -> Result<(), Box<dyn Error>> {
    let sizes = comparisons.iter().map(|comparison| comparison.tasks as f64);
    let most = sizes.fold(1e4, f64::max);
    let times =
        || comparisons.iter().flat_map(|comparison| &comparison.timings).map(Timing::median);
    let (low, high) = (times().fold(f64::MAX, f64::min), times().fold(0.0, f64::max));
    let mut chart = ChartBuilder::on(area)
        .caption(operation, ("sans-serif", 17))
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(60)
        .build_cartesian_2d((1e3..most).log_scale(), (low / 1.5..high * 1.5).log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(4)
        .y_labels(8)
        .x_label_formatter(&|tasks| count(whole(*tasks)))
        .y_label_formatter(&|nanoseconds| time(*nanoseconds))
        .draw()?;
    for (name, colour) in COLOURS {
        let points: Vec<_> = comparisons
            .iter()
            .filter_map(|comparison| Some((comparison.tasks as f64, comparison.of(name)?.median())))
            .collect();
        let width = if name == "tasklife" { 3 } else { 2 };
        chart.draw_series(LineSeries::new(points.clone(), colour.stroke_width(width)))?;
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a label")]
fn whole(number: f64) -> usize {
    number.round() as usize
}
