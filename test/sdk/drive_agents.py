# SPDX-License-Identifier: Apache-2.0
"""Runs OpenAI's Agents SDK: an agent that calls two functions, by the API its
row names, whole and streamed."""
import asyncio

import openai
import pydantic
from agents import (Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, RunConfig, Runner,
                    function_tool, set_tracing_disabled)

import drive
from drive import BOTH, GIVEN, model

set_tracing_disabled(True)
KIND = {"chat": OpenAIChatCompletionsModel, "responses": OpenAIResponsesModel}[GIVEN["row"]]


class Answer(pydantic.BaseModel):
    answer: str


@function_tool
def get_weather(city: str) -> str:
    """get_weather"""
    return "result of get_weather"


@function_tool
def get_time(city: str) -> str:
    """get_time"""
    return "result of get_time"


def agent(client, **more):
    return Agent(name="Tester", instructions="Be brief.",
                 model=KIND(model=model(), openai_client=client), **more)


def run(text, **more):
    async def run_it():
        async with openai.AsyncOpenAI(base_url=GIVEN["url"] + "/v1", api_key=GIVEN["key"],
                                      max_retries=0) as client:
            return await Runner.run(agent(client, **more), text, run_config=RunConfig())
    return asyncio.run(run_it())


def system_and_turns():
    return {"text": run("three").final_output}


def tool_round_trip():
    return {"text": run(BOTH, tools=[get_weather, get_time]).final_output}


def schema():
    return {"parsed": run("give", output_type=Answer).final_output.model_dump()}


def tools_loop_stream():
    async def run_it():
        async with openai.AsyncOpenAI(base_url=GIVEN["url"] + "/v1", api_key=GIVEN["key"],
                                      max_retries=0) as client:
            made = Runner.run_streamed(agent(client, tools=[get_weather, get_time]), BOTH)
            kinds = [e.type async for e in made.stream_events()]
            return {"text": made.final_output, "events": len(kinds)}
    return asyncio.run(run_it())


drive.run([system_and_turns, tool_round_trip, schema, tools_loop_stream], drive.of_response)
