namespace Hospes.Qmp.Client;

/// <summary>The connection to a server can't be used: it is closed, or what is at its other end does not speak QMP.</summary>
public sealed class QmpClientException : IOException
{
    /// <summary>Makes one.</summary>
    public QmpClientException()
    {
    }

    /// <summary>Makes one.</summary>
    /// <param name="message">What is wrong.</param>
    public QmpClientException(string message)
        : base(message)
    {
    }

    /// <summary>Makes one.</summary>
    /// <param name="message">What is wrong.</param>
    /// <param name="innerException">What it came from.</param>
    public QmpClientException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
