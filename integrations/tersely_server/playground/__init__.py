"""The playground: a page where a person sees what compression keeps. Its files lie in `page/`."""
