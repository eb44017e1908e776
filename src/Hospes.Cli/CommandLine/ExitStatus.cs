namespace Hospes.Cli.CommandLine;

/// <summary>The exit statuses of <c>hospes</c>. Scripts read them; they are listed in every command's help.</summary>
internal static class ExitStatus
{
    /// <summary>Done; of a guest: it powered itself off.</summary>
    public const int Done = 0;

    /// <summary>The command ran and its answer is "no": a check that failed, a kernel that would not boot here.</summary>
    public const int No = 1;

    /// <summary>Bad arguments or bad input: the request was not carried out.</summary>
    public const int BadRequest = 2;

    /// <summary>The guest asked for a reset and <c>--no-reboot</c> was given.</summary>
    public const int Reset = 3;

    /// <summary>The guest fell: a triple fault, a panic notice, or a state the processor cannot run.</summary>
    public const int GuestCrashed = 4;

    /// <summary>The guest was still running when its time was over.</summary>
    public const int TimedOut = 5;

    /// <summary>The person left the console (Ctrl-] or an interrupt signal), as a shell reports SIGINT.</summary>
    public const int Interrupted = 130;

    /// <summary>The process was asked to end, as a shell reports SIGTERM.</summary>
    public const int Terminated = 143;
}
