package config

import (
	"net/url"
	"strconv"
)

// checkGrading holds the user's own graders to names that mean one thing each.
func checkGrading(c *Config) (errs []*Error) {
	programs, services := map[string]bool{}, map[string]bool{}
	for i, p := range c.Grading.Commands {
		key := "grading.commands." + strconv.Itoa(i)
		errs = append(errs, checkOnce(programs, key, p.Name)...)
		if len(p.Argv) == 0 || p.Argv[0] == "" {
			errs = append(errs, problem(key+".argv", "a program and its arguments: [python3, grader.py]", "none")...)
		}
	}
	for i, s := range c.Grading.Services {
		key := "grading.services." + strconv.Itoa(i)
		errs = append(errs, checkOnce(services, key, s.Name)...)
		if u, err := url.Parse(s.URL); s.URL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			errs = append(errs, problem(key+".url", "an address such as http://127.0.0.1:8000/grade", strconv.Quote(s.URL))...)
		}
	}
	return errs
}

func checkOnce(seen map[string]bool, key, name string) []*Error {
	if seen[name] && name != "" {
		return problem(key+".name", "each name once", strconv.Quote(name))
	}
	seen[name] = true
	return nil
}
