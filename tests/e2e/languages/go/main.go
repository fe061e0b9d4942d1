// A function in Go, by AWS's own client.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type order struct {
	Do    string `json:"do"`
	Value string `json:"value"`
}

type answer struct {
	Language string          `json:"language"`
	Event    json.RawMessage `json:"event"`
	Count    int             `json:"count"`
	Request  string          `json:"request"`
	Greeting string          `json:"greeting"`
}

var count int

func handle(ctx context.Context, event json.RawMessage) (*answer, error) {
	var asked order
	if err := json.Unmarshal(event, &asked); err != nil {
		return nil, err
	}
	count++
	switch asked.Do {
	case "fail":
		return nil, errors.New("not that one")
	case "say":
		log.Printf("said %s", asked.Value)
	case "leave":
		os.Exit(3)
	}
	known, _ := lambdacontext.FromContext(ctx)
	return &answer{"go", event, count, known.AwsRequestID, os.Getenv("GREETING")}, nil
}

func main() {
	lambda.Start(handle)
}
