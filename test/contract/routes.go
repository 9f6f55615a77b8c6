package contract

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
)

// route is one declared operation. The routers of kin-openapi also match the
// server's address, which is another one in every test; hence our own.
type route struct {
	method, path string
	segments     []string
	item         *openapi3.PathItem
	operation    *openapi3.Operation
}

func routesOf(doc *openapi3.T) []route {
	var routes []route
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			routes = append(routes, route{
				method: method, path: path, segments: strings.Split(path[1:], "/"),
				item: item, operation: operation,
			})
		}
	}
	// A fixed segment sorts before a parameter's brace, so it is matched first.
	slices.SortFunc(routes, func(a, b route) int {
		return strings.Compare(a.path+" "+a.method, b.path+" "+b.method)
	})
	return routes
}

func (r route) as(doc *openapi3.T) *routers.Route {
	return &routers.Route{Spec: doc, Path: r.path, PathItem: r.item, Method: r.method, Operation: r.operation}
}

// match compares segment by segment and returns the values of the parameters. The
// segments are as they came: a value may hold a slash, which is %2F there.
func (r route) match(segments []string) (map[string]string, bool) {
	if len(segments) != len(r.segments) {
		return nil, false
	}
	params := map[string]string{}
	for i, want := range r.segments {
		name, isParam := strings.CutPrefix(want, "{")
		switch {
		case isParam && segments[i] != "":
			value, err := url.PathUnescape(segments[i])
			if err != nil {
				return nil, false
			}
			params[strings.TrimSuffix(name, "}")] = value
		case want != segments[i]:
			return nil, false
		}
	}
	return params, true
}

// find returns the operation for a method and a path. Where there is none it says
// why, and returns one whose errors hold there too: of the same path, or else any.
func (v *Validator) find(method, path string) (route, map[string]string, error) {
	segments, _ := v.split(path)
	var known *route
	for i, r := range v.routes {
		params, ok := r.match(segments)
		if ok && r.method == method {
			return r, params, nil
		}
		if ok && known == nil {
			known = &v.routes[i]
		}
	}
	if known != nil {
		return *known, nil, errors.New("the method is not described for this path")
	}
	return v.routes[0], nil, errors.New("the path is not described")
}

// split cuts a path below BasePath into its segments; false when it lies elsewhere.
func (v *Validator) split(path string) ([]string, bool) {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(v.BasePath, "/")+"/")
	if !ok {
		return nil, false
	}
	return strings.Split(rest, "/"), true
}
