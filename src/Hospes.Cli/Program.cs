using Hospes.Cli.CommandLine;
using Hospes.Cli.Native;

using IDisposable ignored = FileSizeSignal.Ignore();
return await HospesCommandLine.RunAsync(args, Surroundings.OfProcess()).ConfigureAwait(false);
