using Hospes.Cli.CommandLine;

return await HospesCommandLine.RunAsync(args, Surroundings.OfProcess()).ConfigureAwait(false);
