package data

// Prompt is what a template rendered: text, before it becomes token ids.
type Prompt struct {
	System string `json:"system,omitempty"`
	Text   string `json:"text"`
	// Chat asks for the model's own chat template around System and Text, with
	// the generation prompt; without it Text is tokenised as it stands.
	Chat bool `json:"chat,omitempty"`
}
