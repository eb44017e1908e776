using Hospes.Cli.CommandLine;
using Spectre.Console;

namespace Hospes.Cli.Images.Disks;

/// <summary>Shows how far a long piece of work on a disk is: a bar on a terminal, nothing elsewhere.</summary>
internal static class DiskProgress
{
    /// <summary>Runs the work on a thread of its own.</summary>
    public static async Task<T> ShowAsync<T>(Surroundings surroundings, string label, Func<IProgress<double>?, T> work)
    {
        if (!surroundings.ErrorIsTerminal) return await Task.Run(() => work(null)).ConfigureAwait(false);
        return await surroundings.Rich(onError: true).Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(async context =>
            {
                var bar = new Bar(context.AddTask(Markup.Escape(label), maxValue: 1));
                return await Task.Run(() => work(bar)).ConfigureAwait(false);
            }).ConfigureAwait(false);
    }

    private sealed class Bar(ProgressTask task) : IProgress<double>
    {
        public void Report(double value) => task.Value = value;
    }
}
