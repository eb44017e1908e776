using Hospes.Cli.CommandLine;
using Spectre.Console;

namespace Hospes.Cli.Images.Archive;

/// <summary>Where a long piece of work says how far it is.</summary>
internal interface IPullSteps
{
    /// <summary>Starts one step.</summary>
    /// <param name="label">What is done, for people.</param>
    /// <param name="total">Its size in bytes; 0 when that is not known.</param>
    /// <returns>Takes how many bytes are done so far.</returns>
    Action<long> Begin(string label, long total);
}

/// <summary>Shows steps on standard error: as bars on a terminal, as one line each elsewhere.</summary>
internal static class PullSteps
{
    /// <summary>Runs the work with steps that people see.</summary>
    public static async Task<T> ShowAsync<T>(Surroundings surroundings, Func<IPullSteps, Task<T>> work)
    {
        if (!surroundings.ErrorIsTerminal) return await work(new Lines(surroundings)).ConfigureAwait(false);
        return await surroundings.Rich(onError: true).Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new DownloadedColumn(), new TransferSpeedColumn())
            .StartAsync(context => work(new Bars(context))).ConfigureAwait(false);
    }

    private sealed class Lines(Surroundings surroundings) : IPullSteps
    {
        public Action<long> Begin(string label, long total)
        {
            surroundings.Note(total == 0 ? label : $"{label} ({ByteSize.Format(total)})");
            return static _ => { };
        }
    }

    private sealed class Bars(ProgressContext context) : IPullSteps
    {
        public Action<long> Begin(string label, long total)
        {
            ProgressTask bar = context.AddTask(Markup.Escape(label), maxValue: Math.Max(total, 1));
            return done => bar.Value = done;
        }
    }
}
