package docs

import (
	"path"

	"github.com/labstack/echo/v4"
)

const (
	pathPostman   = "/docs/collections/consentd.postman_collection.json"
	pathREST      = "/docs/collections/consentd.http"
	pathJetBrains = "/docs/collections/consentd.jetbrains.http"
)

// The variables of a collection that name where its calls go.
const (
	baseURL    = "baseUrl"    // the XS2A interface, with its base path
	bankURL    = "bankUrl"    // the interface for the bank's own systems
	sandboxURL = "sandboxUrl" // the sandbox's own calls
)

// collection serves the calls of TPPs as a file in the form that write gives it.
func (h *Handler) collection(contentType string, write func(collection) ([]byte, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		s, err := h.load()
		if err != nil {
			return err
		}
		data, err := write(h.compose(h.origin(c), s.documents))
		if err != nil {
			return err
		}
		c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="`+path.Base(c.Path())+`"`)
		return serve(c, contentType, data)
	}
}

// compose makes the collection of a server that is reached at own.
func (h *Handler) compose(own string, documents []*Document) collection {
	made := collection{
		Name: "consentd",
		Text: introduction,
		Variables: []variable{
			{baseURL, own + h.BasePath, "the XS2A interface"},
			{"psuId", "anna", "the customer's login name at the bank"},
		},
	}
	b := builder{documents: documents, sandbox: h.Sandbox}
	if h.Sandbox {
		made.Text += "\n\n" + introductionSandbox
		made.Variables = append(made.Variables,
			variable{bankURL, own, "the interface for the bank's own systems"},
			variable{sandboxURL, own, "the sandbox's own calls"},
			variable{"tpp", "demo", "the TPP of the sandbox that calls"},
			variable{"tppId", "XX-SANDBOX:PSDXX-SANDBOX-DEMO", "what the bank knows that TPP by"},
			variable{"bankToken", "sandbox-resource-server", "the token of the bank's resource server"},
		)
	}
	made.Folders = b.folders()
	made.Variables = append(made.Variables, b.open(made)...)
	return made
}

const introduction = `The calls that a TPP makes, with the examples of the descriptions. Send them from top to bottom, and they tell a story: a TPP asks for a consent, the customer gives it in the bank's app, the TPP reads what it was allowed to, and ends the consent. What goes wrong has a folder of its own. Every other call is there too, with each of its examples: those that read under a consent within the story, while there is one, all others after it, in folders that can be run alone.

Every call has a fresh X-Request-ID. What an answer names (the consent, the authorisation, the account) is kept in variables, and the calls after it use them.

Headers and parameters that can be left out are there and switched off. The calls are not signed. Where the server asks for a client certificate, give the program that sends them yours.`

const introductionSandbox = `In the sandbox, the customer anna is part of the story: she finds the question on her phone and approves. Callers without a certificate are the TPP that X-Sandbox-TPP names.`
