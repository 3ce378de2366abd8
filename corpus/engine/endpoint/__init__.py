"""A client for chat endpoints that speak OpenAI's protocol: vLLM, llama.cpp, a vendor."""
