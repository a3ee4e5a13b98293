package main

import (
	"image/color"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// Colours that readers with any colour vision can tell apart (Okabe and Ito).
var armColors = map[string]color.Color{
	"reference":         color.RGBA{110, 110, 110, 255},
	"standard":          color.RGBA{213, 94, 0, 255},
	"aggregation_aware": color.RGBA{0, 114, 178, 255},
	"recursive":         color.RGBA{0, 158, 115, 255},
}

// draw saves the curves with their intervals as a picture.
func (r *demoReport) draw(path string) error {
	p := plot.New()
	p.Title.Text = "Recursive Self-Aggregation after training"
	if r.Quick {
		p.Title.Text += " (quick: means nothing)"
	}
	p.X.Label.Text, p.Y.Label.Text = "round", "mean accuracy"
	p.Y.Min, p.Y.Max = 0, 1
	p.X.Tick.Marker = plot.ConstantTicks(rounds(r.RSA.T))
	p.Legend.YOffs, p.Legend.XOffs = vg.Points(8), vg.Points(-8)
	p.Legend.Padding = vg.Points(2)
	p.Add(plotter.NewGrid())
	for _, arm := range r.order {
		if err := r.drawArm(p, arm); err != nil {
			return err
		}
	}
	return p.Save(7*vg.Inch, 4.5*vg.Inch, path)
}

// rounds marks each population on the axis.
func rounds(t int) []plot.Tick {
	ticks := make([]plot.Tick, t)
	for i := range ticks {
		ticks[i] = plot.Tick{Value: float64(i + 1), Label: strconv.Itoa(i + 1)}
	}
	return ticks
}

// curve is an arm's points with their errors, as plotter wants them.
type curve struct {
	plotter.XYs
	plotter.YErrors
}

func (r *demoReport) drawArm(p *plot.Plot, arm string) error {
	var c curve
	for _, round := range r.Arms[arm] {
		c.XYs = append(c.XYs, plotter.XY{X: float64(round.Round + 1), Y: round.Mean})
		c.YErrors = append(c.YErrors, struct{ Low, High float64 }{round.Mean - round.CI95[0], round.CI95[1] - round.Mean})
	}
	line, points, err := plotter.NewLinePoints(c.XYs)
	if err != nil {
		return err
	}
	bars, err := plotter.NewYErrorBars(c)
	if err != nil {
		return err
	}
	line.Color, points.Color, bars.LineStyle.Color = armColors[arm], armColors[arm], armColors[arm]
	line.Width = vg.Points(2)
	p.Add(line, points, bars)
	p.Legend.Add(arm, line, points)
	return nil
}
