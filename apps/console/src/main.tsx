// Starts the console: theme, queries, routes.
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { RequestError } from './api/errors.ts'
import { createConsoleRouter } from './router.tsx'
import './styles.css'
import { ToastProvider } from './ui/Toast.tsx'

const retriesMax = 2
const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // What the server refused stays refused; what it did not answer is asked again.
      retry: (failures, error) =>
        failures < retriesMax && !(error instanceof RequestError && error.status >= 400 && error.status < 500),
      refetchOnWindowFocus: true,
    },
  },
})
const router = createConsoleRouter(queries)

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no element "root"')
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <ToastProvider>
        <RouterProvider router={router} />
      </ToastProvider>
    </QueryClientProvider>
  </StrictMode>,
)
